"""Time stamps (RFC 3161): the request, the authority's answer, and what a token proves.

A token is a signed message whose content says: this digest existed at this time. E-IMZO puts it
beside a signature, and the digest is that of the signature's bytes (RFC 3161, appendix A).

Only the authority has signed a token, and anyone can put any token beside a signature. So a token
is hostile until it is verified.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any, Final

from asn1crypto import algos, tsp

from tunnel_gateway.cms.signed_data import (
    MAX_ATTRIBUTES,
    MAX_DIGEST_SIZE,
    SignedData,
    Signer,
    malformed,
    parse_signed_data,
)
from tunnel_gateway.errors import SignedDataError, TimeStampError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates import names
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import ber, der, tags
from tunnel_gateway.pki.encoding.der import dotted, identifier, load_der, malformed_as
from tunnel_gateway.pki.encoding.kind import kind as kind_of
from tunnel_gateway.pki.encoding.oids import DIGEST_OIDS, Family
from tunnel_gateway.pki.encoding.outline import MAX_EXTENSIONS, MAX_NAME_SIZE
from tunnel_gateway.pki.encoding.times import read_time

TST_INFO_OID: Final = "1.2.840.113549.1.9.16.1.4"
# A token has three kilobytes with its certificates.
MAX_ANSWER_SIZE: Final = 64 * 1024
NONCE_SIZE: Final = 16
_MAX_REASON: Final = 200

_GRANTED: Final = frozenset({"granted", "granted_with_mods"})
# RFC 2634 and RFC 5035: the signer names their certificate by its digest.
SIGNING_CERTIFICATE_OID: Final = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2_OID: Final = "1.2.840.113549.1.9.16.2.47"
_NAMED: Final = identifier(SIGNING_CERTIFICATE_OID)
_NAMED_V2: Final = identifier(SIGNING_CERTIFICATE_V2_OID)
_MAX_NAMED: Final = 16
_SHA1: Final = "1.3.14.3.2.26"
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_HASHES: Final = {
    _SHA1: "sha1",
    _SHA256: "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}

# RFC 3161, 2.4.2: five parts that must be there, then accuracy, ordering, nonce, tsa, extensions.
_INFO_PARTS: Final = 10
_AUTHORITY: Final = tags.context(0, constructed=True)
_EXTENSIONS: Final = tags.context(1, constructed=True)
_OPTIONAL: Final = (tags.SEQUENCE, tags.BOOLEAN, tags.INTEGER, _AUTHORITY, _EXTENSIONS)
_EXTENSION_PARTS: Final = 3
_VERSION: Final = b"\x01"
_FALSE: Final = b"\x00"
# RFC 3161, 2.4.2: serial numbers of 160 bits. Nonces are shorter.
_MAX_NUMBER_SIZE: Final = 64
# GeneralName (RFC 5280, 4.2.1.6) has the choices 0 to 8.
_DIRECTORY_NAME: Final = 4
_LAST_NAME: Final = 8


class AuthorityRefusedError(TimeStampError):
    """The authority answered that it does not stamp this, and why."""


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """A token that is well-formed. Whether it proves anything is not said here.

    ``time`` is aware, in UTC. ``message_imprint`` (32 bytes) is the digest of what was stamped, by
    the algorithm ``hash_algorithm``, and ``policy`` the authority's, both dotted identifiers.
    ``authority_name`` is the GeneralName's tag and value as the vendor's software prints them
    (``6: http://…``). ``nonce`` and ``authority_name`` are None if the token does not have them.
    """

    policy: str
    hash_algorithm: str
    message_imprint: bytes
    serial: int
    time: datetime
    nonce: int | None
    authority_name: str | None
    signed: SignedData

    @property
    def signer(self) -> Signer:
        """The authority as the only signer of the token."""
        return self.signed.signers[0]


def make_request(imprint: bytes, family: Family, nonce: bytes) -> bytes:
    """Return the DER of a request to stamp the data of which ``imprint`` is the digest (32 bytes).

    ``nonce`` is `NONCE_SIZE` fresh bytes.
    """
    request = {
        "version": "v1",
        "message_imprint": {
            "hash_algorithm": {"algorithm": family.digest_oid},
            "hashed_message": imprint,
        },
        "nonce": int.from_bytes(nonce, "big"),
        "cert_req": True,
    }
    return bytes(tsp.TimeStampReq(request).dump())


def read_answer(data: bytes, imprint: bytes, nonce: bytes) -> bytes:
    """Return the token in an authority's answer, which is about this imprint and request.

    The token is not verified yet. Raises AuthorityRefusedError if the authority refused, and
    TimeStampError if the answer is malformed, or if it is the answer to another request.
    """
    if len(data) > MAX_ANSWER_SIZE:
        raise TimeStampError(
            f"an answer of {len(data)} bytes from the time stamp authority;"
            f" {MAX_ANSWER_SIZE} is the limit"
        )
    if kind_of(data) == "page":
        raise TimeStampError("the answer of the time stamp authority is a web page (HTML or XML)")
    try:
        with malformed_as(malformed):
            status, *token = ber.read(data).children(2)
            _refuse_failure(load_der(tsp.PKIStatusInfo, bytes(status.whole)))
            if not token:
                raise ValueError("no token")
            stamp = parse_time_stamp(bytes(token[0].whole))
    except TimeStampError:
        raise
    except SignedDataError as error:
        raise TimeStampError(f"the answer of the time stamp authority: {error}") from error
    check_imprint(stamp, imprint)
    if stamp.nonce != int.from_bytes(nonce, "big"):
        raise TimeStampError("the time stamp authority answered another request (other nonce)")
    return bytes(token[0].whole)


def parse_time_stamp(token: bytes) -> TimeStamp:
    """Read exactly one token; the only error raised is SignedDataError.

    Exactly one authority has signed it (RFC 3161, 2.4.2).
    """
    signed = parse_signed_data(token, TST_INFO_OID)
    if signed.content is None:
        raise SignedDataError("malformed: a time stamp without content")
    if len(signed.signers) != 1:
        raise TimeStampError("a time stamp must have exactly one signer")
    with malformed_as(malformed):
        return _read_info(signed, bytes(signed.content))


def check_imprint(stamp: TimeStamp, imprint: bytes) -> None:
    """Raise TimeStampError unless the token is about the signature with this digest (32 bytes)."""
    if stamp.hash_algorithm not in DIGEST_OIDS:
        raise TimeStampError(
            f"a time stamp by the digest {stamp.hash_algorithm}, not a national one"
        )
    if not compare_digest(stamp.message_imprint, imprint):
        raise TimeStampError("the time stamp is for another signature")


def check_content(stamp: TimeStamp) -> None:
    """Raise TimeStampError unless the authority signed the content of this token."""
    if not compare_digest(stamp.signer.message_digest, digest(stamp.signed.content or b"")):
        raise TimeStampError("the time stamp has another content than its authority signed")


def check_named_certificate(stamp: TimeStamp, certificate: Certificate) -> None:
    """Raise TimeStampError unless the authority named this certificate or none.

    Raises SignedDataError if the attribute that names it is malformed.
    """
    with malformed_as(malformed):
        named = _named_digests(stamp.signer.signed_attributes)
    # RFC 3161 demands one of these attributes, against another certificate of the same key. Such a
    # certificate would have to pass validation too, so a token without them is accepted.
    if any(_certificate_digest(algorithm, certificate) != value for algorithm, value in named):
        raise TimeStampError("the time stamp is signed with another certificate than it names")


def _certificate_digest(algorithm: str, certificate: Certificate) -> bytes:
    if algorithm in DIGEST_OIDS:
        return digest(certificate.der)
    if algorithm in _HASHES:
        return hashlib.new(_HASHES[algorithm], certificate.der).digest()
    name = algos.DigestAlgorithmId.map(algorithm)
    raise TimeStampError(f"the time stamp names its certificate by the digest {name}")


def _read_info(signed: SignedData, content: bytes) -> TimeStamp:
    """Read a TSTInfo (RFC 3161, 2.4.2); raises ValueError."""
    version, policy, imprint, serial, time, *optional = der.values(
        der.contents(content, tags.SEQUENCE), _INFO_PARTS
    )
    if _contents(version, tags.INTEGER) != _VERSION:
        raise ValueError("a time stamp not of version 1")
    given = [part.tag for part in optional]
    if given != [tag for tag in _OPTIONAL if tag in given]:
        raise ValueError("a part of a time stamp that does not belong there")
    parts = {part.tag: part.contents for part in optional}
    for extension in der.values(parts.get(_EXTENSIONS, b""), MAX_EXTENSIONS):
        fields = der.values(extension.contents, _EXTENSION_PARTS)
        if any(field.tag == tags.BOOLEAN and field.contents != _FALSE for field in fields):
            raise ValueError("a critical extension in a time stamp, and none is known here")
    algorithm, hashed = der.values(_contents(imprint, tags.SEQUENCE), 2)
    nonce, name = parts.get(tags.INTEGER), parts.get(_AUTHORITY)
    return TimeStamp(
        policy=dotted(_contents(policy, tags.OBJECT_IDENTIFIER)),
        hash_algorithm=_identifier(algorithm),
        message_imprint=_imprint(hashed),
        serial=_number(_contents(serial, tags.INTEGER)),
        time=read_time(time.tag, time.contents),
        nonce=None if nonce is None else _number(nonce),
        authority_name=None if name is None else _name_text(name),
        signed=signed,
    )


def _contents(value: der.Value, tag: int) -> bytes:
    if value.tag != tag:
        raise ValueError("a part of a time stamp of another type than is due there")
    return value.contents


def _imprint(value: der.Value) -> bytes:
    imprint = _contents(value, tags.OCTET_STRING)
    if len(imprint) > MAX_DIGEST_SIZE:
        raise ValueError("an imprint that is longer than any digest in use")
    return imprint


def _identifier(algorithm: der.Value) -> str:
    kind, *_ = der.values(_contents(algorithm, tags.SEQUENCE), 2)
    return dotted(_contents(kind, tags.OBJECT_IDENTIFIER))


def _number(contents: bytes) -> int:
    if not 0 < len(contents) <= _MAX_NUMBER_SIZE:
        raise ValueError("a number in a time stamp that is longer than any in use")
    return int.from_bytes(contents, "big", signed=True)


def _name_text(name: bytes) -> str:
    """Return a GeneralName as the vendor's software prints it: its tag and value."""
    if len(name) > MAX_NAME_SIZE:
        raise ValueError(f"a name of more than {MAX_NAME_SIZE} bytes")
    (value,) = der.values(name, 1)
    number = value.tag & ~(tags.CLASS | tags.CONSTRUCTED)
    if value.tag & tags.CLASS != tags.CONTEXT or number > _LAST_NAME:
        raise ValueError("an authority's name that is not a name")
    if value.tag == tags.context(_DIRECTORY_NAME, constructed=True):
        return f"{number}: {names.distinguished_name(value.contents)}"
    text = value.contents.decode("ascii", "replace")
    plain = value.contents.isascii() and text.isprintable()
    return f"{number}: {text if plain else '#' + value.contents.hex()}"


def _refuse_failure(status: Any) -> None:
    if status["status"].native in _GRANTED:
        return
    reasons = [*sorted(status["fail_info"].native or ()), *(status["status_string"].native or ())]
    detail = "; ".join([status["status"].native, *reasons])[:_MAX_REASON]
    raise AuthorityRefusedError(f"the time stamp authority refuses: {detail}")


def _named_digests(signed_attributes: bytes) -> list[tuple[str, bytes]]:
    """Return algorithm and digest of each certificate that the signer names as their own."""
    named = []
    for attribute in ber.read(signed_attributes).children(MAX_ATTRIBUTES):
        kind, values = attribute.children(2)
        if kind.whole not in (_NAMED, _NAMED_V2):
            continue
        (value,) = values.children(1)
        certificates, *_ = der.values(der.contents(bytes(value.whole), tags.SEQUENCE), 2)
        # The others are of its chain.
        first, *_ = der.values(_contents(certificates, tags.SEQUENCE), _MAX_NAMED)
        fields = der.values(_contents(first, tags.SEQUENCE), 3)
        algorithm = _SHA1 if kind.whole == _NAMED else _SHA256
        if kind.whole == _NAMED_V2 and fields[0].tag == tags.SEQUENCE:
            algorithm = _identifier(fields.pop(0))
        named.append((algorithm, _contents(fields[0], tags.OCTET_STRING)))
    return named
