"""Signed messages: CMS SignedData (RFC 5652), which E-IMZO calls PKCS#7, as E-IMZO makes them.

A message holds a document, or is detached from it; the certificates of its signers; and for each
signer some signed attributes. One of them is the digest of the document. The signature is over the
attributes. A signer can also have a time stamp. The signature does not cover it.

A message is hostile until it is verified. Only the parts that E-IMZO uses are read: a signer is
named by issuer and serial number, and the algorithms are those of the national standards.
``signing`` makes messages, ``verifying`` verifies them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import cms, core

from tunnel_gateway.cms.frame import DATA_OID, Frame, expect
from tunnel_gateway.errors import CertificateUnsuitableError, SignedDataError
from tunnel_gateway.gost.digest import DIGEST_SIZE
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.der import dotted, identifier, load_der, malformed_as, reason
from tunnel_gateway.pki.encoding.oids import DIGEST_OIDS, SIGNATURE_OIDS

MAX_ATTRIBUTES: Final = 16
# RFC 5652: 1 for data and signers named by issuer and serial number, 3 for any other content.
DATA_VERSION: Final = 1
OTHER_VERSION: Final = 3

CONTENT_TYPE: Final = "content_type"
SIGNING_TIME: Final = "signing_time"
MESSAGE_DIGEST: Final = "message_digest"
TIME_STAMP_OID: Final = "1.2.840.113549.1.9.16.2.14"

_SIGNED_ATTRIBUTES: Final = tags.context(0, constructed=True)
_UNSIGNED_ATTRIBUTES: Final = tags.context(1, constructed=True)
_SIGNED_PARTS: Final = 6


@dataclass(frozen=True, slots=True)
class Signer:
    """The statement of one signer. ``signature`` is over ``signed_attributes``, a SET in DER.

    ``serial`` and ``issuer``, a name in DER, tell which certificate is meant. ``signing_time``
    is aware, in UTC. Only the signer says that it is true; E-IMZO always gives one. ``time_stamp``
    is the first token (RFC 3161) beside the signature, unread; None if there is no token.
    """

    issuer: bytes
    serial: int
    signing_time: datetime | None
    message_digest: bytes
    signed_attributes: bytes
    signature: bytes
    time_stamp: bytes | None

    @property
    def serial_hex(self) -> str:
        """The serial number as the vendor's software prints it."""
        return format(self.serial, "x")


@dataclass(frozen=True, slots=True)
class SignedData:
    """A message that is well-formed. Whether a signature is right is not said here.

    ``content`` is None when the message is detached from its document. ``certificates`` are
    in the order of the message.
    """

    content: bytes | None
    certificates: tuple[Certificate, ...]
    signers: tuple[Signer, ...]


def parse_signed_data(data: bytes, content_type: str = DATA_OID) -> SignedData:
    """Read exactly one message, in DER or in BER; the only error raised is SignedDataError."""
    with malformed_as(malformed):
        frame = Frame.read(data)
        if frame.version != (DATA_VERSION if content_type == DATA_OID else OTHER_VERSION):
            raise ValueError(f"a message of version {frame.version}")
        frame.expect_content(content_type)
        for algorithm in frame.digest_algorithms:
            _check_algorithm(load_der(_Algorithm, algorithm), DIGEST_OIDS)
        return SignedData(
            content=frame.content,
            certificates=tuple(map(_read_certificate, frame.certificates)),
            signers=tuple(read_signer(info, content_type) for info in frame.signers),
        )


def malformed(fault: Exception) -> SignedDataError:
    """Return the error for what a reader raised about a malformed message."""
    return SignedDataError(f"malformed: {reason(fault)}")


def _read_certificate(der: bytes) -> Certificate:
    try:
        return Certificate.from_der(der)
    except CertificateUnsuitableError as fault:
        raise SignedDataError(f"a certificate in it is not usable: {fault}") from fault


class _Algorithm(core.Sequence):  # type: ignore[misc]
    """An algorithm of the national standards, which takes no parameters: absent or NULL."""

    _fields = [  # noqa: RUF012 - how asn1crypto declares a structure
        ("algorithm", core.ObjectIdentifier),
        ("parameters", core.Null, {"optional": True}),
    ]


class _SignerInfo(core.Sequence):  # type: ignore[misc]
    """A SignerInfo of version 1, up to its signature."""

    _fields = [  # noqa: RUF012 - how asn1crypto declares a structure
        ("version", core.Integer),
        ("sid", cms.IssuerAndSerialNumber),
        ("digest_algorithm", _Algorithm),
        ("signed_attrs", cms.CMSAttributes, {"implicit": 0}),
        ("signature_algorithm", _Algorithm),
        ("signature", core.OctetString),
    ]


def read_signer(data: bytes, content_type: str = DATA_OID) -> Signer:
    """Read a SignerInfo that says it signed content of this type.

    Raises ValueError, or another of the errors of malformed input.
    """
    parts, unsigned = split_signer(data)
    attributes = ber.write(tags.SET, bytes(expect(parts[3], _SIGNED_ATTRIBUTES).contents))
    info = load_der(
        _SignerInfo, ber.write(tags.SEQUENCE, b"".join(bytes(part.whole) for part in parts))
    )
    if info["version"].native != 1:
        raise ValueError("a signer not of version 1")
    _check_algorithm(info["digest_algorithm"], DIGEST_OIDS)
    _check_algorithm(info["signature_algorithm"], SIGNATURE_OIDS)
    values = _signed_values(info["signed_attrs"])
    if values[CONTENT_TYPE].dotted != content_type:
        raise ValueError("the signed content type is not that of the content")
    message_digest = bytes(values[MESSAGE_DIGEST].native)
    if len(message_digest) != DIGEST_SIZE:
        raise ValueError("a digest of another length")
    return Signer(
        issuer=info["sid"]["issuer"].dump(),
        serial=info["sid"]["serial_number"].native,
        signing_time=_moment(values.get(SIGNING_TIME)),
        message_digest=message_digest,
        signed_attributes=attributes,
        signature=bytes(info["signature"].native),
        time_stamp=_time_stamp(unsigned),
    )


def split_signer(data: bytes) -> tuple[list[ber.Element], list[bytes]]:
    """Return the parts of a SignerInfo up to its signature, and its unsigned attributes.

    Raises ValueError if it is malformed.
    """
    parts = expect(ber.read(data), tags.SEQUENCE).children(_SIGNED_PARTS + 1)
    unsigned = [
        bytes(entry.whole)
        for part in parts[_SIGNED_PARTS:]
        for entry in expect(part, _UNSIGNED_ATTRIBUTES).children(MAX_ATTRIBUTES)
    ]
    return parts[:_SIGNED_PARTS], unsigned


def join_signer(parts: list[ber.Element], unsigned: list[bytes]) -> bytes:
    """Return a SignerInfo of the parts that ``split_signer`` gave, with these attributes."""
    pieces = [bytes(part.whole) for part in parts]
    if unsigned:
        pieces += ber.enclose(_UNSIGNED_ATTRIBUTES, unsigned)
    return b"".join(ber.enclose(tags.SEQUENCE, pieces))


def attribute(kind: str, value: bytes) -> bytes:
    """Return an Attribute with one value, in DER; ``kind`` is a dotted identifier."""
    return ber.write(tags.SEQUENCE, identifier(kind) + ber.write(tags.SET, value))


def _check_algorithm(algorithm: Any, known: frozenset[str]) -> None:
    if algorithm["algorithm"].dotted not in known:
        raise ValueError(f"the algorithm {algorithm['algorithm'].dotted} is not an E-IMZO one")
    _ = algorithm["parameters"].native


def _signed_values(attributes: cms.CMSAttributes) -> dict[str, Any]:
    """Return the one value of each attribute that is used; the others are not looked into."""
    if len(attributes) > MAX_ATTRIBUTES:
        raise ValueError(f"more than {MAX_ATTRIBUTES} signed attributes")
    values: dict[str, Any] = {}
    seen = set()
    for entry in attributes:
        name = entry["type"].native
        if name in seen:
            raise ValueError(f"the signed attribute {name} twice")
        seen.add(name)
        if name in (CONTENT_TYPE, SIGNING_TIME, MESSAGE_DIGEST):
            (values[name],) = entry["values"]
    for name in (CONTENT_TYPE, MESSAGE_DIGEST):
        if name not in values:
            raise ValueError(f"no signed attribute {name}")
    return values


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    moment = value.native
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValueError("a time of signing that is not a date in UTC")
    return moment.astimezone(UTC)


def _time_stamp(unsigned: list[bytes]) -> bytes | None:
    for entry in unsigned:
        kind, values = expect(ber.read(entry), tags.SEQUENCE).children(2)
        if dotted(bytes(expect(kind, tags.OBJECT_IDENTIFIER).contents)) == TIME_STAMP_OID:
            # Several authorities may have stamped it; each of them can prove the time alone.
            return bytes(expect(values, tags.SET).children(MAX_ATTRIBUTES)[0].whole)
    return None
