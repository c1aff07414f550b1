"""An OCSP answer (RFC 6960, 4.2.1), split into its parts by tags and lengths.

asn1crypto takes milliseconds for an answer, and every user of a day brings one. Nothing is proven
here: `ocsp` says what the parts are worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tunnel_gateway.pki.encoding import der, tags
from tunnel_gateway.pki.encoding.times import read_time
from tunnel_gateway.pki.status.revoked_info import RevokedInfo, reason_word

NONCE: Final = "1.3.6.1.5.5.7.48.1.2"

_SUCCESSFUL: Final = 0
# RFC 6960, 4.2.1, by number; 4 is not used.
_STATUSES: Final = {
    1: "malformed_request",
    2: "internal_error",
    3: "try_later",
    5: "sign_required",
    6: "unauthorized",
}
_BASIC: Final = "1.3.6.1.5.5.7.48.1.1"

# More certificates in one answer than anybody asks about; 64 KiB could hold a thousand.
_MAX_SINGLES: Final = 1024
_MAX_CERTIFICATES: Final = 64
_MAX_EXTENSIONS: Final = 32
_MAX_SERIAL_SIZE: Final = 20

_ZERO, _ONE, _TWO = (tags.context(number, constructed=True) for number in range(3))
_GOOD, _UNKNOWN = tags.context(0), tags.context(2)


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension: its dotted identifier, and what is in its OCTET STRING."""

    identifier: str
    critical: bool
    content: bytes


@dataclass(frozen=True, slots=True)
class CertificateId:
    """The certificate that an answer is about: its issuer by two digests (``algorithm``)."""

    algorithm: str
    issuer_name: bytes
    issuer_key: bytes
    serial: int


@dataclass(frozen=True, slots=True)
class Single:
    """The answer about one certificate; ``known`` is False if the responder does not know it.

    ``revoked`` is None for a good or unknown certificate. Times are aware and in UTC.
    """

    about: CertificateId
    known: bool
    revoked: RevokedInfo | None
    this_update: datetime
    next_update: datetime | None
    extensions: tuple[Extension, ...]


@dataclass(frozen=True, slots=True)
class BasicAnswer:
    """The parts of a successful answer. ``body`` is what ``signature`` is for, in DER.

    The signer is named by ``signer_name``, a Name in DER, or by ``signer_key``, the SHA-1 of the
    bits of the key; the other one is None. ``certificates`` are shown, in DER.
    """

    body: bytes
    signer_name: bytes | None
    signer_key: bytes | None
    singles: tuple[Single, ...]
    extensions: tuple[Extension, ...]
    algorithm: str
    signature: bytes
    certificates: tuple[bytes, ...]

    @property
    def nonce(self) -> bytes | None:
        """The nonce; None without one."""
        for extension in self.extensions:
            if extension.identifier == NONCE:
                return der.contents(extension.content, tags.OCTET_STRING)
        return None


class NotSuccessfulError(ValueError):
    """The responder has no answer; the text is the reason."""


def basic_response(data: bytes) -> bytes:
    """Return the BasicOCSPResponse in an OCSPResponse, both in DER. Nothing in it is looked at.

    Raises ValueError for something else, NotSuccessfulError if the responder says why it does not
    answer, or answers in another form.
    """
    status, *rest = _values(data, tags.SEQUENCE, 2)
    _expect(status, tags.ENUMERATED)
    number = int.from_bytes(status.contents, "big")
    if number != _SUCCESSFUL:
        raise NotSuccessfulError(f"answers {_STATUSES.get(number, number)}")
    (wrapped,) = rest
    _expect(wrapped, _ZERO)
    form, answer = _values(wrapped.contents, tags.SEQUENCE, 2)
    if _identifier(form) != _BASIC:
        raise NotSuccessfulError("answers in another form than the basic one")
    _expect(answer, tags.OCTET_STRING)
    return answer.contents


def split(data: bytes) -> BasicAnswer:
    """Return the parts of an OCSPResponse. Raises as `basic_response` does."""
    answer = basic_response(data)
    body, algorithm, signature, *shown = _values(answer, tags.SEQUENCE, 4)
    _expect(body, tags.SEQUENCE)
    _expect(algorithm, tags.SEQUENCE)
    _expect(signature, tags.BIT_STRING)
    if signature.contents[:1] != b"\0":
        raise ValueError("its signature is not a number of whole bytes")
    fields = der.values(body.contents, 5)
    if fields and fields[0].tag == _ZERO:  # the version
        del fields[0]
    signer, produced, singles, *extensions = fields
    _expect(produced, tags.GENERALIZED_TIME)
    _expect(singles, tags.SEQUENCE)
    return BasicAnswer(
        body=body.whole,
        signer_name=signer.contents if signer.tag == _ONE else None,
        signer_key=der.contents(signer.contents, tags.OCTET_STRING) if signer.tag == _TWO else None,
        singles=tuple(_single(value) for value in der.values(singles.contents, _MAX_SINGLES)),
        extensions=_extensions(extensions),
        algorithm=_identifier(der.values(algorithm.contents, 2)[0]),
        signature=signature.contents[1:],
        certificates=_certificates(shown),
    )


def _single(value: der.Value) -> Single:
    _expect(value, tags.SEQUENCE)
    about, status, this_update, *rest = der.values(value.contents, 5)
    next_update = None
    if rest and rest[0].tag == _ZERO:
        next_update = _time(_only(rest.pop(0).contents))
    if status.tag not in (_GOOD, _ONE, _UNKNOWN):
        raise ValueError("a status that is neither good nor revoked nor unknown")
    return Single(
        about=_certificate_id(about),
        known=status.tag != _UNKNOWN,
        revoked=_revoked(status) if status.tag == _ONE else None,
        this_update=_time(this_update),
        next_update=next_update,
        extensions=_extensions(rest),
    )


def _certificate_id(value: der.Value) -> CertificateId:
    _expect(value, tags.SEQUENCE)
    algorithm, name, key, serial = der.values(value.contents, 4)
    _expect(algorithm, tags.SEQUENCE)
    for octets in (name, key):
        _expect(octets, tags.OCTET_STRING)
    _expect(serial, tags.INTEGER)
    if not 0 < len(serial.contents) <= _MAX_SERIAL_SIZE:
        raise ValueError("a serial number of more than 20 bytes")
    return CertificateId(
        _identifier(der.values(algorithm.contents, 2)[0]),
        name.contents,
        key.contents,
        int.from_bytes(serial.contents, "big", signed=True),
    )


def _revoked(status: der.Value) -> RevokedInfo:
    since, *reasons = der.values(status.contents, 2)
    reason = None
    if reasons:
        _expect(reasons[0], _ZERO)
        number = der.contents(reasons[0].contents, tags.ENUMERATED)
        reason = reason_word(int.from_bytes(number, "big", signed=True))
    return RevokedInfo(_time(since), reason)


def _extensions(wrapped: Sequence[der.Value]) -> tuple[Extension, ...]:
    """Read ``[1] EXPLICIT Extensions``, which may be absent."""
    if not wrapped:
        return ()
    (value,) = wrapped
    _expect(value, _ONE)
    return tuple(_extension(one) for one in _values(value.contents, tags.SEQUENCE, _MAX_EXTENSIONS))


def _extension(value: der.Value) -> Extension:
    _expect(value, tags.SEQUENCE)
    identifier, *flag, content = der.values(value.contents, 3)
    _expect(content, tags.OCTET_STRING)
    for boolean in flag:
        _expect(boolean, tags.BOOLEAN)
    critical = any(boolean.contents != b"\0" for boolean in flag)
    return Extension(_identifier(identifier), critical, content.contents)


def _certificates(wrapped: Sequence[der.Value]) -> tuple[bytes, ...]:
    if not wrapped:
        return ()
    (value,) = wrapped
    _expect(value, _ZERO)
    return tuple(one.whole for one in _values(value.contents, tags.SEQUENCE, _MAX_CERTIFICATES))


def _time(value: der.Value) -> datetime:
    _expect(value, tags.GENERALIZED_TIME)
    return read_time(value.tag, value.contents)


def _values(data: bytes, tag: int, limit: int) -> list[der.Value]:
    return der.values(der.contents(data, tag), limit)


def _only(data: bytes) -> der.Value:
    (value,) = der.values(data, 1)
    return value


def _identifier(value: der.Value) -> str:
    _expect(value, tags.OBJECT_IDENTIFIER)
    return der.dotted(value.contents)


def _expect(value: der.Value, tag: int) -> None:
    if value.tag != tag:
        raise ValueError("a value of another type than is due here")
