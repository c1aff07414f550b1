"""The development authority as an OCSP responder: answers, refusals, and requests of any kind."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from asn1crypto import core, ocsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp as other_ocsp
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pki import NOW, authority, stranger, user
from tests.support.revocation import delegate
from tunnel_gateway.errors import RevocationDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.responding import MAX_REQUEST_SIZE, Responder, Status, answer_request
from tunnel_gateway.pki.status.ocsp import NONCE_SIZE, make_request, read_answer
from tunnel_gateway.pki.status.revoked_info import REASONS, RevokedInfo

MINUTE = timedelta(minutes=1)
LEAF = user().leaf
CENTRE = authority().centre
ROOT = authority().root
RESPONDERS = (
    Responder(CENTRE.leaf, delegate(CENTRE, "OCSPSigning", at=NOW - MINUTE)),
    Responder(ROOT.leaf, ROOT),
)
GOOD = Status(is_issued=True)


def asked(request: bytes, status: Status = GOOD, now: datetime = NOW) -> tuple[bytes, str]:
    return answer_request(
        request,
        RESPONDERS,
        lambda _issuer, _serial: status,
        now=now,
        next_update=now + MINUTE,
        entropy=os.urandom,
    )


def refusal(request: bytes) -> str:
    answer, said = asked(request)
    status: str = ocsp.OCSPResponse.load(answer, strict=True)["response_status"].native
    assert said.startswith(f"{status}: ")
    return status


@pytest.mark.parametrize(
    ("certificate", "issuer", "delegated"),
    [(LEAF, CENTRE.leaf, True), (CENTRE.leaf, ROOT.leaf, False)],
    ids=["a user", "the centre"],
)
def test_a_good_certificate(certificate: Certificate, issuer: Certificate, delegated: bool) -> None:
    nonce = os.urandom(NONCE_SIZE)
    answer, said = asked(make_request(certificate, issuer, nonce))
    read = read_answer(answer, certificate, issuer, NOW, nonce)
    assert (read.revoked, read.this_update, read.expires) == (None, NOW, NOW + MINUTE)
    assert (read.responder is not None) == delegated
    assert said == f"{certificate.serial_hex} is good"
    with pytest.raises(RevocationDataError, match="another nonce"):
        read_answer(answer, certificate, issuer, NOW, bytes(NONCE_SIZE))


@pytest.mark.parametrize("reason", [None, *filter(None, REASONS)])
def test_a_revoked_certificate(reason: str | None) -> None:
    status = Status(is_issued=True, revocation=RevokedInfo(NOW - MINUTE, reason))
    answer, said = asked(make_request(LEAF, CENTRE.leaf, bytes(32)), status)
    ours = read_answer(answer, LEAF, CENTRE.leaf, NOW, None)
    assert ours.revoked == status.revocation
    # Another reader finds the same.
    read = other_ocsp.load_der_ocsp_response(answer)
    assert read.certificate_status is other_ocsp.OCSPCertStatus.REVOKED
    assert read.revocation_time_utc == NOW - MINUTE
    flag = read.revocation_reason
    assert (flag and flag.value) == reason
    assert said == f"{LEAF.serial_hex} is revoked ({reason or 'no reason given'})"


def test_a_serial_number_of_nobody() -> None:
    answer, said = asked(make_request(LEAF, CENTRE.leaf, bytes(32)), Status(is_issued=False))
    read = other_ocsp.load_der_ocsp_response(answer)
    assert read.certificate_status is other_ocsp.OCSPCertStatus.UNKNOWN
    assert said == f"{LEAF.serial_hex} is unknown"
    with pytest.raises(RevocationDataError, match="does not know"):
        read_answer(answer, LEAF, CENTRE.leaf, NOW, None)


def identifier(
    algorithm: str, issuer: Certificate = CENTRE.leaf, serial: int = 5
) -> dict[str, Any]:
    parsed = x509.Certificate.load(issuer.der)
    name = parsed.subject.dump()
    key = bytes(parsed["tbs_certificate"]["subject_public_key_info"]["public_key"])

    def hashed(content: bytes) -> bytes:
        if algorithm.startswith("1.2.860"):
            return digest(content)
        made = hashes.Hash(getattr(hashes, algorithm.upper())())
        made.update(content)
        return made.finalize()

    return {
        "hash_algorithm": {"algorithm": algorithm},
        "issuer_name_hash": hashed(name),
        "issuer_key_hash": hashed(key),
        "serial_number": serial,
    }


def request(*identifiers: dict[str, Any], **body: Any) -> bytes:
    fields = {"request_list": [{"req_cert": one} for one in identifiers]} | body
    return bytes(ocsp.OCSPRequest({"tbs_request": fields}).dump())


@pytest.mark.parametrize(
    "algorithm", ["sha1", "sha256", "sha384", "sha512", LEAF.family.digest_oid]
)
def test_the_hashes_that_name_an_issuer(algorithm: str) -> None:
    answer, said = asked(request(identifier(algorithm)))
    assert said == "5 is good"
    basic = ocsp.OCSPResponse.load(answer).basic_ocsp_response
    single = basic["tbs_response_data"]["responses"][0]["cert_id"]
    assert single.native["issuer_key_hash"] == identifier(algorithm)["issuer_key_hash"]


def test_several_certificates() -> None:
    ids = [identifier("sha1", serial=serial) for serial in (5, 2**150, 7)]
    answer, said = asked(request(*ids))
    assert said == f"5 is good, {2**150:x} is good, 7 is good"
    basic = ocsp.OCSPResponse.load(answer).basic_ocsp_response
    assert [
        one["cert_id"]["serial_number"].native for one in basic["tbs_response_data"]["responses"]
    ] == [5, 2**150, 7]


@pytest.mark.parametrize(
    "data",
    [
        request(identifier("sha1", stranger().centre.leaf)),
        request(identifier("sha1"), identifier("sha1", ROOT.leaf)),
        request(identifier("sha1") | {"issuer_key_hash": bytes(20)}),
        request(identifier("sha1") | {"hash_algorithm": {"algorithm": "1.2.3"}}),
    ],
    ids=["a stranger's", "of two issuers", "another key", "another hash"],
)
def test_other_issuers(data: bytes) -> None:
    assert refusal(data) == "unauthorized"


def extension(kind: str, value: Any, *, critical: bool = False) -> dict[str, Any]:
    return {"extn_id": kind, "critical": critical, "extn_value": value}


def nonce(size: int) -> list[dict[str, Any]]:
    return [extension("nonce", core.OctetString(bytes(size)))]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30\x00",
        b"GET / HTTP/1.1",
        request(identifier("sha1"))[:-1],
        request(identifier("sha1")) + b"\0",
        bytes(MAX_REQUEST_SIZE + 1),
        request(),
        request(*[identifier("sha1")] * 33),
        request(identifier("sha1"), request_extensions=nonce(0)),
        request(identifier("sha1"), request_extensions=nonce(129)),
        request(
            identifier("sha1"),
            request_extensions=[extension("1.2.3", core.ParsableOctetString(b"1"), critical=True)],
        ),
    ],
    ids=[
        "empty",
        "an empty sequence",
        "http",
        "cut off",
        "with more after it",
        "too long",
        "about nothing",
        "about too many",
        "an empty nonce",
        "a long nonce",
        "a critical extension",
    ],
)
def test_requests_that_are_refused(data: bytes) -> None:
    assert refusal(data) == "malformed_request"


@pytest.mark.parametrize("size", [1, 32, 128])
def test_the_nonce_comes_back(size: int) -> None:
    answer, _ = asked(request(identifier("sha1"), request_extensions=nonce(size)))
    assert ocsp.OCSPResponse.load(answer).nonce_value.native == bytes(size)


def test_without_a_nonce() -> None:
    answer, _ = asked(request(identifier("sha1")))
    assert ocsp.OCSPResponse.load(answer).nonce_value is None


_REQUEST = request(identifier("sha1"), request_extensions=nonce(16))


@given(st.integers(0, len(_REQUEST) - 1), st.integers(0, 255))
def test_a_changed_byte(at: int, byte: int) -> None:
    """Whatever comes, an answer goes back that another reader can read."""
    answer, said = asked(_REQUEST[:at] + bytes([byte]) + _REQUEST[at + 1 :])
    read = other_ocsp.load_der_ocsp_response(answer)
    assert said
    assert read.response_status in {
        other_ocsp.OCSPResponseStatus.SUCCESSFUL,
        other_ocsp.OCSPResponseStatus.MALFORMED_REQUEST,
        other_ocsp.OCSPResponseStatus.UNAUTHORIZED,
    }
