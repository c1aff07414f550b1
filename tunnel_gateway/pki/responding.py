"""Answering as an OCSP responder does (RFC 6960), for development: a request in, an answer out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import core, ocsp, x509

from tunnel_gateway.gost import signature
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding.der import load_der, malformed_as, reason
from tunnel_gateway.pki.encoding.oids import DIGEST_OIDS
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.status.revoked_info import REASONS, RevokedInfo

# One certificate takes some 80 bytes; a signed request brings certificates of its own.
MAX_REQUEST_SIZE: Final = 16 * 1024
_MAX_ASKED: Final = 32
_MAX_EXTENSIONS: Final = 16
# RFC 9654, 2.1.
_MAX_NONCE_SIZE: Final = 128
_NONCE: Final = "nonce"
_HASHES: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}


@dataclass(frozen=True, slots=True)
class Responder:
    """A key that answers for an ``issuer``: its own, or one that it certified for this."""

    issuer: Certificate
    identity: Identity


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a serial number: nobody's, or of a certificate that may have a revocation."""

    is_issued: bool
    revocation: RevokedInfo | None = None

    def __str__(self) -> str:
        if self.revocation is not None:
            return f"revoked ({self.revocation.reason or 'no reason given'})"
        return "good" if self.is_issued else "unknown"


# Returns the status of a serial number of an issuer.
LookUp = Callable[[Certificate, int], Status]


class _RefusedError(Exception):
    """A request without an answer; ``status`` is the word of asn1crypto."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status


def answer_request(
    data: bytes,
    responders: Sequence[Responder],
    look_up: LookUp,
    *,
    now: datetime,
    next_update: datetime,
    entropy: Callable[[int], bytes],
) -> tuple[bytes, str]:
    """Return the DER answer to a request, and what it says, for a log.

    One of ``responders`` signs it. All certificates of a request must have the same issuer.
    """
    try:
        request = _read_request(data)
        identifiers = [single["req_cert"] for single in request["request_list"]]
        responder = _responder(responders, identifiers)
        nonce = _nonce(request["request_extensions"])
    except _RefusedError as refusal:
        answer = ocsp.OCSPResponse({"response_status": refusal.status})
        return bytes(answer.dump()), f"{refusal.status}: {refusal}"
    now, next_update = _to_the_second(now), _to_the_second(next_update)
    said, singles = [], []
    for identifier in identifiers:
        serial = identifier["serial_number"].native
        status = look_up(responder.issuer, serial)
        said.append(f"{serial:x} is {status}")
        singles.append(
            {
                "cert_id": identifier,
                "cert_status": _status(status, now),
                "this_update": now,
                "next_update": next_update,
            }
        )
    signer = x509.Certificate.load(responder.identity.leaf.der)
    body: dict[str, Any] = {
        "responder_id": ocsp.ResponderId(name="by_key", value=signer.public_key.sha1),
        "produced_at": now,
        "responses": singles,
    }
    if nonce is not None:
        body["response_extensions"] = [{"extn_id": _NONCE, "extn_value": core.OctetString(nonce)}]
    return _sign(ocsp.ResponseData(body), responder, signer, entropy), ", ".join(said)


def _read_request(data: bytes) -> ocsp.TBSRequest:
    if len(data) > MAX_REQUEST_SIZE:
        raise _RefusedError(
            "malformed_request", f"a request of {len(data)} bytes; {MAX_REQUEST_SIZE} is the limit"
        )
    with malformed_as(lambda fault: _RefusedError("malformed_request", reason(fault))):
        request = load_der(ocsp.OCSPRequest, data)["tbs_request"]
        if not 0 < len(request["request_list"]) <= _MAX_ASKED:
            raise ValueError(f"not about 1 to {_MAX_ASKED} certificates")
        if len(request["request_extensions"]) > _MAX_EXTENSIONS:
            raise ValueError(f"more than {_MAX_EXTENSIONS} extensions")
        for part in ("request_list", "request_extensions"):
            _ = request[part].native  # so that nothing malformed is met later
        if request["version"].native != "v1":
            raise ValueError("not of version 1")
        for extension in request["request_extensions"]:
            if extension["critical"].native and extension["extn_id"].native != _NONCE:
                raise ValueError(f"the critical extension {extension['extn_id'].dotted}")
    return request


def _nonce(extensions: Any) -> bytes | None:
    for extension in extensions:
        if extension["extn_id"].native == _NONCE:
            nonce: bytes = extension["extn_value"].parsed.native
            if not 0 < len(nonce) <= _MAX_NONCE_SIZE:
                raise _RefusedError("malformed_request", f"a nonce of {len(nonce)} bytes")
            return nonce
    return None


def _responder(responders: Sequence[Responder], identifiers: Sequence[Any]) -> Responder:
    for responder in responders:
        parsed = x509.Certificate.load(responder.issuer.der)
        key = parsed["tbs_certificate"]["subject_public_key_info"]["public_key"]
        if all(_names(identifier, parsed.subject.dump(), bytes(key)) for identifier in identifiers):
            return responder
    # RFC 6960, 2.3: the server cannot answer for this issuer.
    raise _RefusedError("unauthorized", "a certificate of another issuer")


def _names(identifier: Any, name: bytes, key: bytes) -> bool:
    oid = identifier["hash_algorithm"]["algorithm"].dotted
    if oid not in _HASHES and oid not in DIGEST_OIDS:
        return False

    def hashed(content: bytes) -> bytes:
        return (
            digest(content) if oid in DIGEST_OIDS else hashlib.new(_HASHES[oid], content).digest()
        )

    return bool(
        identifier["issuer_name_hash"].native == hashed(name)
        and identifier["issuer_key_hash"].native == hashed(key)
    )


def _status(status: Status, now: datetime) -> ocsp.CertStatus:
    if status.revocation is not None:
        facts: dict[str, Any] = {"revocation_time": _to_the_second(status.revocation.since or now)}
        if status.revocation.reason is not None:
            facts["revocation_reason"] = REASONS.index(status.revocation.reason)
        return ocsp.CertStatus(name="revoked", value=ocsp.RevokedInfo(facts))
    return ocsp.CertStatus(name="good" if status.is_issued else "unknown", value=core.Null())


def _to_the_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _sign(
    body: ocsp.ResponseData,
    responder: Responder,
    signer: x509.Certificate,
    entropy: Callable[[int], bytes],
) -> bytes:
    identity = responder.identity
    basic: dict[str, Any] = {
        "tbs_response_data": body,
        "signature_algorithm": {"algorithm": identity.leaf.family.signature_oid},
        "signature": signature.sign(identity.private_key, digest(body.dump()), entropy(32)),
    }
    if identity.leaf != responder.issuer:
        basic["certs"] = [signer]
    answer = {
        "response_status": "successful",
        "response_bytes": {
            "response_type": "basic_ocsp_response",
            "response": ocsp.BasicOCSPResponse(basic),
        },
    }
    return bytes(ocsp.OCSPResponse(answer).dump())
