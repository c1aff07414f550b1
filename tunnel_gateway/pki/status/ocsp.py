"""OCSP (RFC 6960): a request for one certificate, and the check of the answer.

An answer counts if the issuer itself signed it, or a responder that the issuer certified for
it (id-kp-OCSPSigning). The path validator has this check too, but verifies a responder that is
marked id-pkix-ocsp-nocheck without our signature check; only its path validation is used here.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature

from tunnel_gateway.errors import CertificateError, RevocationDataError
from tunnel_gateway.gost import signature
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import (
    Certificate,
    format_time,
    parse_certificate,
)
from tunnel_gateway.pki.certificates.names import same_name
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.der import contents, identifier, malformed_as, reason, values
from tunnel_gateway.pki.encoding.oids import SIGNATURE_OIDS
from tunnel_gateway.pki.encoding.outline import Outline
from tunnel_gateway.pki.status.crl import CLOCK_SKEW
from tunnel_gateway.pki.status.ocsp_parts import (
    NONCE,
    BasicAnswer,
    Extension,
    NotSuccessfulError,
    Single,
    split,
)
from tunnel_gateway.pki.status.revoked_info import RevokedInfo
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
# A nation has a few responders; their certificates are read and proven once.
_RESPONDERS: Final = 64
_SHA1: Final = "1.3.14.3.2.26"
_HASHES: Final = {_SHA1: "sha1", "2.16.840.1.101.3.4.2.1": "sha256"}


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
    # SHA-1 only names the issuer here and protects nothing. Every responder knows it.
    outline = Outline.read(issuer.der)
    algorithm = _sequence(identifier(_SHA1), ber.write(tags.NULL, b""))
    asked = _sequence(
        algorithm,
        ber.write(tags.OCTET_STRING, _digest(_SHA1, outline.subject)),
        ber.write(tags.OCTET_STRING, _digest(_SHA1, _key_bits(outline))),
        ber.write(tags.INTEGER, _number(certificate.serial)),
    )
    wrapped = ber.write(tags.OCTET_STRING, ber.write(tags.OCTET_STRING, nonce))
    extensions = _sequence(_sequence(identifier(NONCE), wrapped))
    body = _sequence(
        _sequence(_sequence(asked)), ber.write(tags.context(2, constructed=True), extensions)
    )
    return _sequence(body)


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
    try:
        answer = split(data)
    except NotSuccessfulError as fault:
        raise RevocationDataError(f"the OCSP responder {fault}") from None
    single = _single(answer, certificate, issuer)
    _refuse_critical(answer.extensions)
    _refuse_critical(single.extensions)
    echoed = answer.nonce
    if nonce is not None and echoed is not None and echoed != nonce:
        raise RevocationDataError("the OCSP answer has another nonce: it is to another request")
    _check_period(single, now)
    responder = _responder(answer, issuer, now)
    if not single.known:
        raise CertificateUnknownError("the OCSP responder does not know the certificate")
    return Answer(
        issuer=issuer.authority,
        serial=certificate.serial,
        revoked=single.revoked,
        this_update=single.this_update,
        next_update=single.next_update,
        responder=None if responder is None else responder.serial,
    )


def _single(answer: BasicAnswer, certificate: Certificate, issuer: Certificate) -> Single:
    outline = Outline.read(issuer.der)
    for single in answer.singles:
        about = single.about
        if (
            about.algorithm in _HASHES
            and about.serial == certificate.serial
            and about.issuer_name == _digest(about.algorithm, outline.subject)
            and about.issuer_key == _digest(about.algorithm, _key_bits(outline))
        ):
            return single
    raise RevocationDataError(f"the OCSP answer is not about {certificate.label}")


def _refuse_critical(extensions: Iterable[Extension]) -> None:
    # None of RFC 6960 is critical, and none changes what good and revoked mean.
    for extension in extensions:
        if extension.critical:
            raise RevocationDataError(
                f"the OCSP answer has the critical extension {extension.identifier}"
            )


def _check_period(single: Single, now: datetime) -> None:
    if single.this_update > now + CLOCK_SKEW:
        raise RevocationDataError(
            f"the OCSP answer is of {format_time(single.this_update)}, which is in the future"
        )
    expires = single.next_update or single.this_update + _UNLIMITED_ANSWER_LIFE
    if expires < now - CLOCK_SKEW:
        raise RevocationDataError(f"the OCSP answer expired on {format_time(expires)}")


def _responder(answer: BasicAnswer, issuer: Certificate, now: datetime) -> Certificate | None:
    """Return the delegated responder that signed, None if the issuer did."""
    if _is_named(issuer, answer):
        try:
            _check_signature(answer, issuer)
        except InvalidSignature:
            if not answer.certificates:
                raise RevocationDataError(
                    "the OCSP answer's signature does not verify with the issuer's key"
                ) from None
        else:
            return None
    for shown in answer.certificates[:_MAX_RESPONDERS]:
        responder = _read_responder(shown)
        if _is_named(responder, answer):
            _check_delegation(responder, issuer, now)
            try:
                _check_signature(answer, responder)
            except InvalidSignature:
                raise RevocationDataError("the OCSP answer's signature does not verify") from None
            return responder
    raise RevocationDataError("the certificate of the OCSP answer's signer is not in it")


def _read_responder(shown: bytes) -> Certificate:
    try:
        return _certificate(shown)
    except CertificateError as fault:
        raise RevocationDataError(f"in the OCSP answer: {fault}") from fault


@functools.lru_cache(_RESPONDERS)
def _certificate(shown: bytes) -> Certificate:
    return Certificate.from_der(shown)


def _is_named(certificate: Certificate, answer: BasicAnswer) -> bool:
    outline = Outline.read(certificate.der)
    if answer.signer_name is not None:
        return same_name(answer.signer_name, outline.subject)
    return answer.signer_key == _digest(_SHA1, _key_bits(outline))


def _check_signature(answer: BasicAnswer, signer: Certificate) -> None:
    if answer.algorithm not in SIGNATURE_OIDS:
        raise InvalidSignature
    signature.verify(signer.public_key, answer.signature, digest(answer.body))


def _check_delegation(responder: Certificate, issuer: Certificate, now: datetime) -> None:
    """RFC 6960, 4.2.2.2: certified for it by the issuer directly."""
    if "OCSPSigning" not in (responder.extended_key_usage or ()):
        raise RevocationDataError(
            "the OCSP answer is signed by a certificate that is not for it (no OCSPSigning)"
        )
    begin = max(responder.not_before, issuer.not_before)
    end = min(responder.not_after, issuer.not_after)
    try:
        # If both are valid now, the path is proven at one moment for all answers of the responder.
        _prove(responder.der, issuer.der, begin if begin <= now <= end else now)
    except CertificateError as fault:
        raise RevocationDataError(
            f"the OCSP answer's signer is not one of the issuer's: {fault}"
        ) from fault


@functools.lru_cache(_RESPONDERS)
def _prove(responder: bytes, issuer: bytes, at: datetime) -> None:
    anchor = make_anchor(parse_certificate(issuer))
    find_path(parse_certificate(responder), [], [anchor], at, signatures=GostSignatureValidator())


def _key_bits(outline: Outline) -> bytes:
    """Return the bits of the public key, without the count of unused ones."""
    _, bits = values(contents(outline.key, tags.SEQUENCE), 2)
    return bits.contents[1:]


def _digest(algorithm: str, data: bytes) -> bytes:
    return hashlib.new(_HASHES[algorithm], data, usedforsecurity=False).digest()


def _sequence(*parts: bytes) -> bytes:
    return ber.write(tags.SEQUENCE, b"".join(parts))


def _number(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
