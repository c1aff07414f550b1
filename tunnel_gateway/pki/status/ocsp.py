"""OCSP (RFC 6960): a request for one certificate, and the check of the answer.

An answer counts if the issuer itself signed it, or a responder that the issuer certified for
it (id-kp-OCSPSigning). The path validator has this check too, but verifies a responder that is
marked id-pkix-ocsp-nocheck without our signature check; only its path validation is used here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asn1crypto import core, ocsp, x509
from cryptography.exceptions import InvalidSignature

from tunnel_gateway.errors import CertificateError, RevocationDataError
from tunnel_gateway.pki.certificates.certificate import (
    Certificate,
    format_time,
    parse_certificate,
)
from tunnel_gateway.pki.encoding.der import malformed_as, reason
from tunnel_gateway.pki.status.crl import CLOCK_SKEW
from tunnel_gateway.pki.status.revoked_info import RevokedInfo, reason_word
from tunnel_gateway.pki.trust.paths import GostSignatureValidator, find_path, make_anchor

# An answer has about a kilobyte, and the responder's certificates two each.
MAX_ANSWER_SIZE: Final = 64 * 1024
# RFC 6960, appendix A.1.
MEDIA_TYPE: Final = "application/ocsp-request"
# RFC 9654, section 2.1.
NONCE_SIZE: Final = 32

# Without nextUpdate the responder always has newer data (RFC 6960, 2.4).
_UNLIMITED_ANSWER_LIFE: Final = timedelta(hours=1)
# An answer needs one certificate of a responder; each one costs a signature check.
_MAX_RESPONDERS: Final = 4
_HASHES: Final = ("sha1", "sha256")
_OCSP_SIGNING: Final = "ocsp_signing"


class CertificateUnknownError(RevocationDataError):
    """The responder answers, but knows nothing of this certificate."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A proven answer about the certificate ``serial`` of that ``Certificate.authority``.

    ``revoked`` is None for a good certificate. Times are aware and in UTC; ``next_update`` is None
    if the answer has no nextUpdate. ``responder`` is the serial number of a delegated responder's
    certificate, None if the issuer answered itself.
    """

    issuer: str
    serial: int
    revoked: RevokedInfo | None
    this_update: datetime
    next_update: datetime | None
    responder: int | None

    @property
    def expires(self) -> datetime:
        """NextUpdate; without it, an hour after thisUpdate."""
        return self.next_update or self.this_update + _UNLIMITED_ANSWER_LIFE


def make_request(certificate: Certificate, issuer: Certificate, nonce: bytes) -> bytes:
    """Return the DER of a request; ``nonce`` is fresh entropy of `NONCE_SIZE` bytes."""
    parsed = x509.Certificate.load(issuer.der)
    # SHA-1 only names the issuer here and protects nothing. Every responder knows it.
    identifier = {
        "hash_algorithm": {"algorithm": "sha1"},
        "issuer_name_hash": parsed.subject.sha1,
        "issuer_key_hash": parsed.public_key.sha1,
        "serial_number": certificate.serial,
    }
    extension = {"extn_id": "nonce", "critical": False, "extn_value": core.OctetString(nonce)}
    body = {"request_list": [{"req_cert": identifier}], "request_extensions": [extension]}
    return bytes(ocsp.OCSPRequest({"tbs_request": body}).dump())


def read_answer(
    data: bytes, certificate: Certificate, issuer: Certificate, now: datetime, nonce: bytes | None
) -> Answer:
    """Read the answer of a responder, ``now``, about ``certificate`` of ``issuer``.

    ``nonce`` is the nonce of the request, or None for an answer that was kept. An answer without a
    nonce counts, because many responders sign their answers in advance. An answer with another
    nonce does not count. Raises RevocationDataError if the answer does not say good or revoked.
    """
    if len(data) > MAX_ANSWER_SIZE:
        raise RevocationDataError(
            f"an OCSP answer of {len(data)} bytes, and {MAX_ANSWER_SIZE} is the limit"
        )
    with malformed_as(lambda fault: RevocationDataError(f"malformed OCSP answer: {reason(fault)}")):
        return _read(data, certificate, issuer, now, nonce)


def _read(
    data: bytes, certificate: Certificate, issuer: Certificate, now: datetime, nonce: bytes | None
) -> Answer:
    response = ocsp.OCSPResponse.load(data, strict=True)
    _ = response.native  # reads every part, so that nothing malformed is met later
    status = response["response_status"].native
    if status != "successful":
        raise RevocationDataError(f"the OCSP responder answers {status}")
    if response["response_bytes"]["response_type"].native != "basic_ocsp_response":
        raise RevocationDataError("the OCSP answer is not a basic one")
    basic = response["response_bytes"]["response"].parsed
    body = basic["tbs_response_data"]
    parsed_issuer = parse_certificate(issuer.der)
    single = _single(body, certificate, parsed_issuer)
    _refuse_critical(body["response_extensions"])
    _refuse_critical(single["single_extensions"])
    echoed = response.nonce_value
    if nonce is not None and echoed is not None and echoed.native != nonce:
        raise RevocationDataError("the OCSP answer has another nonce: it is to another request")
    this_update, next_update = _period(single, now)
    responder = _responder(basic, parsed_issuer, now)
    return Answer(
        issuer=issuer.authority,
        serial=certificate.serial,
        revoked=_revoked(single["cert_status"]),
        this_update=this_update,
        next_update=next_update,
        responder=responder.serial_number if responder is not None else None,
    )


def _single(body: Any, certificate: Certificate, issuer: x509.Certificate) -> Any:
    for single in body["responses"]:
        identifier = single["cert_id"]
        name = identifier["hash_algorithm"]["algorithm"].native
        if (
            name in _HASHES
            and identifier["serial_number"].native == certificate.serial
            and identifier["issuer_name_hash"].native == getattr(issuer.subject, name)
            and identifier["issuer_key_hash"].native == getattr(issuer.public_key, name)
        ):
            return single
    raise RevocationDataError(f"the OCSP answer is not about {certificate.label}")


def _refuse_critical(extensions: Iterable[Any]) -> None:
    # None of RFC 6960 is critical, and none changes what good and revoked mean.
    for extension in extensions:
        if extension["critical"].native:
            raise RevocationDataError(
                f"the OCSP answer has the critical extension {extension['extn_id'].dotted}"
            )


def _period(single: Any, now: datetime) -> tuple[datetime, datetime | None]:
    this_update = single["this_update"].native
    if this_update > now + CLOCK_SKEW:
        raise RevocationDataError(
            f"the OCSP answer is of {format_time(this_update)}, which is in the future"
        )
    next_update = single["next_update"].native
    expires = next_update or this_update + _UNLIMITED_ANSWER_LIFE
    if expires < now - CLOCK_SKEW:
        raise RevocationDataError(f"the OCSP answer expired on {format_time(expires)}")
    return this_update.astimezone(UTC), next_update and next_update.astimezone(UTC)


def _responder(basic: Any, issuer: x509.Certificate, now: datetime) -> x509.Certificate | None:
    """Return the delegated responder that signed, None if the issuer did."""
    signed_by = basic["tbs_response_data"]["responder_id"]
    if _is_named(issuer, signed_by):
        try:
            _check_signature(basic, issuer)
        except InvalidSignature:
            if not basic["certs"]:
                raise RevocationDataError(
                    "the OCSP answer's signature does not verify with the issuer's key"
                ) from None
        else:
            return None
    for responder in _certificates(basic):
        if _is_named(responder, signed_by):
            _check_delegation(responder, issuer, now)
            try:
                _check_signature(basic, responder)
            except InvalidSignature:
                raise RevocationDataError("the OCSP answer's signature does not verify") from None
            return responder
    raise RevocationDataError("the certificate of the OCSP answer's signer is not in it")


def _certificates(basic: Any) -> Iterator[x509.Certificate]:
    for number, certificate in enumerate(basic["certs"]):
        if number == _MAX_RESPONDERS:
            return
        try:
            yield parse_certificate(certificate.dump())
        except CertificateError as fault:
            raise RevocationDataError(f"in the OCSP answer: {fault}") from fault


def _is_named(certificate: x509.Certificate, signed_by: Any) -> bool:
    if signed_by.name == "by_key":
        return bool(signed_by.native == certificate.public_key.sha1)
    return bool(signed_by.chosen.hashable == certificate.subject.hashable)


def _check_signature(basic: Any, signer: x509.Certificate) -> None:
    GostSignatureValidator().validate_signature(
        basic["signature"].native,
        basic["tbs_response_data"].dump(),
        signer.public_key,
        basic["signature_algorithm"],
    )


def _check_delegation(responder: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
    """RFC 6960, 4.2.2.2: certified for it by the issuer directly."""
    purposes = responder.extended_key_usage_value
    if purposes is None or _OCSP_SIGNING not in purposes.native:
        raise RevocationDataError(
            "the OCSP answer is signed by a certificate that is not for it (no OCSPSigning)"
        )
    try:
        find_path(responder, [], [make_anchor(issuer)], now, signatures=GostSignatureValidator())
    except CertificateError as fault:
        raise RevocationDataError(
            f"the OCSP answer's signer is not one of the issuer's: {fault}"
        ) from fault


def _revoked(status: Any) -> RevokedInfo | None:
    if status.name == "good":
        return None
    if status.name != "revoked":
        raise CertificateUnknownError("the OCSP responder does not know the certificate")
    facts = status.chosen
    number = facts["revocation_reason"]
    return RevokedInfo(
        facts["revocation_time"].native.astimezone(UTC),
        reason_word(int.from_bytes(number.contents, "big")) if number.contents else None,
    )
