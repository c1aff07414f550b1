"""The example answer of the guide, section 2.2.4, field by field.

The message is made here: its authority, signers, time stamps, policies and OCSP answers have the
shape of the example, and one signer was revoked after the time stamp. Each expected value is read
from the certificates, the token and the OCSP answer by another reader than that of the service.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from asn1crypto import cms, ocsp, x509

from tests.support.centre import RunningCentre
from tests.support.guide_shape import SIGNER, TIME_STAMP, after, assert_shape, without_twins
from tests.support.pki import OFFICER
from tests.support.rest_site import ATTACHED, JOIN, STAMP, RestSite
from tunnel_gateway.cms.time_stamp import TST_INFO_OID
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.keyfiles import Identity

DOCUMENT = b"some document"
HASH = "1.2.860.3.15.1.3.2.1.1"
TASHKENT = timezone(timedelta(hours=5))
POLICIES = tuple(f"1.3.6.1.4.1.46709.1.2.{number}" for number in (2, 4, 1, 3))
STAMP_OID = "1.2.840.113549.1.9.16.2.14"
LABELS = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SURNAME",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.10": "O",
    "2.5.4.41": "Name",
    "0.9.2342.19200300.100.1.1": "UID",
}


def local(moment: datetime) -> str:
    return moment.astimezone(TASHKENT).strftime("%Y-%m-%d %H:%M:%S")


def attributes(name: x509.Name) -> dict[str, str]:
    return {
        LABELS.get(one["type"].dotted, one["type"].dotted): one["value"].native
        for relative in name.chosen
        for one in relative
    }


def text(name: x509.Name) -> str:
    return ",".join(f"{label}={value}" for label, value in attributes(name).items())


def certificate(der: bytes) -> dict[str, Any]:
    read = x509.Certificate.load(der)
    body = read["tbs_certificate"]
    info = body["subject_public_key_info"]
    return {
        "subjectInfo": attributes(read.subject),
        "issuerInfo": attributes(read.issuer),
        "serialNumber": f"{read.serial_number:x}",
        "subjectName": text(read.subject),
        "validFrom": local(body["validity"]["not_before"].native),
        "validTo": local(body["validity"]["not_after"].native),
        "issuerName": text(read.issuer),
        "publicKey": {
            "keyAlgName": "OZDST-1092-2009-2",
            "publicKey": b64encode(info.dump()).decode(),
            "paramSetOID": "1.2.860.3.15.1.1.2.1.1",
        },
        "signature": {
            "signAlgName": "OZDST-1106-2009-2-AwithOZDST-1092-2009-2",
            "signature": read["signature_value"].native.hex(),
        },
    }


def status(view: dict[str, Any], leaf: Certificate) -> dict[str, Any]:
    """The fields of the status, which the OCSP answer in the view must prove."""
    response = ocsp.BasicOCSPResponse.load(b64decode(view["OCSPResponse"]), strict=True)
    (single,) = response["tbs_response_data"]["responses"]
    assert single["cert_id"]["serial_number"].native == leaf.serial
    return {
        "OCSPResponse": view["OCSPResponse"],
        "statusUpdatedAt": local(single["this_update"].native),
        "statusNextUpdateAt": local(single["next_update"].native),
    }


def signer_id(der: bytes) -> dict[str, str]:
    read = x509.Certificate.load(der)
    return {"issuer": text(read.issuer), "subjectSerialNumber": f"{read.serial_number:x}"}


class Example:
    """The message of the example, and what must be said of it."""

    def __init__(self, centre: RunningCentre, message: bytes) -> None:
        self.chain = [centre.authority.centre.leaf.der]
        self.root = centre.root.der
        self.stamper = centre.time_stamper.leaf
        self.infos = cms.ContentInfo.load(message)["content"]["signer_infos"]

    def signer(self, number: int, identity: Identity, view: dict[str, Any]) -> dict[str, Any]:
        info = self.infos[number]
        signed = {one["type"].native: one["values"][0] for one in info["signed_attrs"]}
        return {
            "signerId": signer_id(identity.leaf.der),
            "signingTime": local(signed["signing_time"].native),
            "signature": info["signature"].native.hex(),
            "digest": signed["message_digest"].native.hex(),
            "timeStampInfo": self.stamp(info, view["timeStampInfo"]),
            "certificate": [certificate(der) for der in (identity.leaf.der, *self.chain)],
            **status(view, identity.leaf),
            "verified": True,
            "certificateVerified": True,
            "trustedCertificate": certificate(self.root),
            "policyIdentifiers": list(POLICIES),
            "certificateValidAtSigningTime": True,
        }

    def stamp(self, info: Any, view: dict[str, Any]) -> dict[str, Any]:
        (attribute,) = info["unsigned_attrs"]
        assert attribute["type"].dotted == STAMP_OID
        token = attribute["values"][0]["content"]
        assert token["encap_content_info"]["content_type"].dotted == TST_INFO_OID
        facts = token["encap_content_info"]["content"].parsed
        return {
            "certificate": [certificate(der) for der in (self.stamper.der, *self.chain)],
            **status(view, self.stamper),
            "digestVerified": True,
            "certificateVerified": True,
            "trustedCertificate": certificate(self.root),
            "certificateValidAtSigningTime": True,
            "signerId": signer_id(self.stamper.der),
            "tsaPolicy": facts["policy"].dotted,
            "time": local(facts["gen_time"].native),
            "hashAlgorithm": HASH,
            "serialNumber": f"{facts['serial_number'].native:x}",
            "tsa": f"6: {facts['tsa'].native}",
            "messageImprintAlgOID": HASH,
            "messageImprintDigest": digest(info["signature"].native).hex(),
            "verified": True,
        }


async def signed(site: RestSite, identity: Identity) -> bytes:
    answer = await site.answer(STAMP, site.sign(DOCUMENT, identity))
    return b64decode(answer["pkcs7b64"])


async def test_every_field(site: RestSite) -> None:
    fine = site.centre.issue_user(policies=POLICIES)
    later = site.centre.issue_user(OFFICER, policies=POLICIES)
    parts = [await signed(site, identity) for identity in (fine, later)]
    message = b64decode((await site.answer(JOIN, *parts))["pkcs7b64"])
    revoked = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=5)
    site.centre.revoke(later, "cessationOfOperation", revoked)

    answer = await site.answer(ATTACHED, message)
    assert list(answer) == ["pkcs7Info", "status", "message"]
    assert (answer["status"], answer["message"]) == (1, "")
    info = answer["pkcs7Info"]
    assert list(info) == ["signers", "documentBase64"]
    assert info["documentBase64"] == "c29tZSBkb2N1bWVudA=="
    first, second = info["signers"]
    assert_shape(first, SIGNER)
    assert_shape(second, after(SIGNER, "certificateVerified", "revokedStatusInfo"))
    assert_shape(second["timeStampInfo"], TIME_STAMP)
    example = Example(site.centre, message)
    assert without_twins(first) == example.signer(0, fine, first)
    assert without_twins(second) == example.signer(1, later, second) | {
        "revokedStatusInfo": {
            "revocationTime": local(revoked),
            "crlReason": "cessationOfOperation",
        }
    }


async def test_a_suspended_signer_beside_a_good_one(site: RestSite) -> None:
    fine = site.centre.issue_user(policies=POLICIES)
    suspended = site.centre.issue_user(OFFICER, policies=POLICIES)
    parts = [await signed(site, fine), site.sign(DOCUMENT, suspended)]
    message = b64decode((await site.answer(JOIN, *parts))["pkcs7b64"])
    site.centre.suspend(suspended)
    answer = await site.answer(ATTACHED, message)
    assert (answer["status"], answer["reason"]) == (-11, "certificate_revoked")
    first, second = answer["pkcs7Info"]["signers"]
    assert without_twins(first) == Example(site.centre, message).signer(0, fine, first)
    assert answer["failedSignerInfo"] == second
    assert second["revokedStatusInfo"]["crlReason"] == "certificateHold"
    assert (second["verified"], second["certificateVerified"]) == (True, False)
    assert second["exception"].startswith("certificate_revoked: certificate ")


async def test_every_time_has_its_twin(site: RestSite) -> None:
    answer = await site.answer(ATTACHED, await signed(site, site.centre.issue_user()))
    seen = 0

    def look(view: Any) -> None:
        nonlocal seen
        if isinstance(view, list):
            for value in view:
                look(value)
        elif isinstance(view, dict):
            for name, value in view.items():
                if f"{name}Utc" in view:
                    seen += 1
                    plain = datetime.fromisoformat(value).replace(tzinfo=TASHKENT)
                    assert plain == datetime.fromisoformat(view[f"{name}Utc"])
                look(value)

    look(answer)
    # Three certificates of the signer and three of the stamp have two times each.
    assert seen == 12 + 1 + 2 + 1 + 2
