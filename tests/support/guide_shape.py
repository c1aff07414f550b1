"""The shape of the example answer in the guide, section 2.2.4: names of fields, in their order."""

from __future__ import annotations

from typing import Any

CERTIFICATE = {
    "subjectInfo": {},
    "issuerInfo": {},
    "serialNumber": None,
    "subjectName": None,
    "validFrom": None,
    "validTo": None,
    "issuerName": None,
    "publicKey": {"keyAlgName": None, "publicKey": None, "paramSetOID": None},
    "signature": {"signAlgName": None, "signature": None},
}
TIME_STAMP = {
    "certificate": [CERTIFICATE],
    "OCSPResponse": None,
    "statusUpdatedAt": None,
    "statusNextUpdateAt": None,
    "digestVerified": None,
    "certificateVerified": None,
    "trustedCertificate": CERTIFICATE,
    "certificateValidAtSigningTime": None,
    "signerId": {"issuer": None, "subjectSerialNumber": None},
    "tsaPolicy": None,
    "time": None,
    "hashAlgorithm": None,
    "serialNumber": None,
    "tsa": None,
    "messageImprintAlgOID": None,
    "messageImprintDigest": None,
    "verified": None,
}
SIGNER = {
    "signerId": {"issuer": None, "subjectSerialNumber": None},
    "signingTime": None,
    "signature": None,
    "digest": None,
    "timeStampInfo": TIME_STAMP,
    "certificate": [CERTIFICATE],
    "OCSPResponse": None,
    "statusUpdatedAt": None,
    "statusNextUpdateAt": None,
    "verified": None,
    "certificateVerified": None,
    "trustedCertificate": CERTIFICATE,
    "policyIdentifiers": [None],
    "certificateValidAtSigningTime": None,
}
SUBJECT = {
    "serialNumber": None,
    "X500Name": None,
    "subjectName": {},
    "validFrom": None,
    "validTo": None,
    "publicKeyParameter": {"keyAlgName": None, "paramSetOID": None},
}


def without_twins(view: Any) -> Any:
    """Return a view without our fields in UTC, which the guide does not have."""
    if isinstance(view, dict):
        return {
            name: without_twins(value) for name, value in view.items() if not name.endswith("Utc")
        }
    if isinstance(view, list):
        return [without_twins(value) for value in view]
    return view


def assert_shape(view: Any, shape: Any, where: str = "") -> None:
    """Fail unless a view has exactly the fields of a shape, in its order; ``{}`` allows any."""
    if isinstance(shape, list):
        assert isinstance(view, list), where
        for value in view:
            assert_shape(value, shape[0], f"{where}[]")
    elif isinstance(shape, dict) and shape:
        assert list(without_twins(view)) == list(shape), where
        for name, value in shape.items():
            assert_shape(view[name], value, f"{where}.{name}")


def without(shape: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a shape without some of its fields."""
    return {name: value for name, value in shape.items() if name not in names}


def after(shape: dict[str, Any], name: str, new: str, value: Any = None) -> dict[str, Any]:
    """Return a shape with a further field after another."""
    fields: dict[str, Any] = {}
    for old, kept in shape.items():
        fields[old] = kept
        if old == name:
            fields[new] = value
    return fields
