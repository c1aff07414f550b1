"""Signed messages: CMS SignedData (RFC 5652), which E-IMZO calls PKCS#7, as E-IMZO makes them.

A message holds a document, or is detached from it; the certificates of its signers; and for each
signer some signed attributes. One of them is the digest of the document. The signature is over the
attributes. A signer can also have a time stamp. The signature does not cover it.

A message is hostile until it is verified. Only the parts that E-IMZO uses are read: a signer is
named by issuer and serial number, and has signed attributes. A signer by the algorithms of another
standard is read too, but nothing here can verify them. ``signing`` makes messages, ``judging``
verifies them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tunnel_gateway.cms.frame import DATA_OID, Frame, expect
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.der import dotted, identifier, malformed_as, reason
from tunnel_gateway.pki.encoding.oids import DIGEST_OIDS, SIGNATURE_OIDS
from tunnel_gateway.pki.encoding.outline import MAX_NAME_SIZE
from tunnel_gateway.pki.encoding.times import read_time

MAX_ATTRIBUTES: Final = 16
# Several authorities may stamp one signature; each token costs as much as a signer.
MAX_TIME_STAMPS: Final = 4
# RFC 5652: 1 for data and signers named by issuer and serial number, 3 for any other content.
DATA_VERSION: Final = 1
OTHER_VERSION: Final = 3

CONTENT_TYPE_OID: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST_OID: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME_OID: Final = "1.2.840.113549.1.9.5"
TIME_STAMP_OID: Final = "1.2.840.113549.1.9.16.2.14"

_SIGNED_ATTRIBUTES: Final = tags.context(0, constructed=True)
_UNSIGNED_ATTRIBUTES: Final = tags.context(1, constructed=True)
_SIGNED_PARTS: Final = 6
_SIGNER_VERSION: Final = b"\x01"
# RFC 5280 allows a centre 20 bytes; a longer number names no certificate.
_MAX_SERIAL_SIZE: Final = 64
# An answer shows digests and signatures, and is written on the event loop. SHA-512 has 64 bytes, a
# signature by RSA with 16,384 bits has 2,048.
MAX_DIGEST_SIZE: Final = 64
_MAX_SIGNATURE_SIZE: Final = 4096
_NULL: Final = b"\x05\x00"
# The same few algorithms come in every message, each several times. They are remembered as they are
# written, unless a stranger has made one long.
_ALGORITHMS: Final = 64
_USUAL_SIZE: Final = 64
_TIME_STAMP: Final = identifier(TIME_STAMP_OID)
# The attributes in use, each at most once, by the contents of their identifiers.
_NAMES: Final = {
    identifier(CONTENT_TYPE_OID)[2:]: "content_type",
    identifier(MESSAGE_DIGEST_OID)[2:]: "message_digest",
    identifier(SIGNING_TIME_OID)[2:]: "signing_time",
}


@dataclass(frozen=True, slots=True)
class Signer:
    """The statement of one signer. ``signature`` is over ``signed_attributes``, a SET in DER.

    ``serial`` and ``issuer``, a name in DER, tell which certificate is meant. ``signing_time``
    is aware, in UTC. Only the signer says that it is true; E-IMZO always gives one. The algorithms
    are dotted identifiers, perhaps of another standard. ``time_stamps`` are the tokens (RFC 3161)
    beside the signature, unread: the first four.
    """

    issuer: bytes
    serial: int
    signing_time: datetime | None
    message_digest: bytes
    digest_algorithm: str
    signed_attributes: bytes
    signature_algorithm: str
    signature: bytes
    time_stamps: tuple[bytes, ...]

    @property
    def serial_hex(self) -> str:
        """The serial number as the vendor's software prints it."""
        return format(self.serial, "x")

    @property
    def time_stamp(self) -> bytes | None:
        """The first token, None if there is no token."""
        return self.time_stamps[0] if self.time_stamps else None


@dataclass(frozen=True, slots=True)
class SignedData:
    """A message that is well-formed. Whether a signature is right is not said here.

    ``content`` is None when the message is detached from its document, and may be a view of the
    message. ``certificates`` are whole values in the order of the message, unread: not every one
    must be a certificate that can be used here.
    """

    content: bytes | memoryview | None
    certificates: tuple[bytes, ...]
    signers: tuple[Signer, ...]


def parse_signed_data(data: bytes, content_type: str = DATA_OID) -> SignedData:
    """Read exactly one message, in DER or in BER; the only error raised is SignedDataError."""
    with malformed_as(malformed):
        frame = Frame.read(data)
        if frame.version != (DATA_VERSION if content_type == DATA_OID else OTHER_VERSION):
            raise ValueError(f"a message of version {frame.version}")
        frame.expect_content(content_type)
        signers = tuple(read_signer(info, content_type) for info in frame.signers)
        known = DIGEST_OIDS.union(signer.digest_algorithm for signer in signers)
        for algorithm in frame.digest_algorithms:
            if (name := _algorithm(algorithm)) not in known:
                raise ValueError(f"the digest {name}, which no signer used")
        return SignedData(frame.content, frame.certificates, signers)


def malformed(fault: Exception) -> SignedDataError:
    """Return the error for what a reader raised about a malformed message."""
    return SignedDataError(f"malformed: {reason(fault)}")


def read_signer(data: bytes, content_type: str = DATA_OID) -> Signer:
    """Read a SignerInfo that says it signed content of this type; raises ValueError."""
    parts, unsigned = split_signer(data)
    version, name, digest_algorithm, attributes, signature_algorithm, signature = parts
    if version.tag != tags.INTEGER or version.contents != _SIGNER_VERSION:
        raise ValueError("a signer not of version 1")
    issuer, serial = expect(name, tags.SEQUENCE).children(2)
    if len(issuer.whole) > MAX_NAME_SIZE:
        raise ValueError(f"a name of more than {MAX_NAME_SIZE} bytes")
    values = _signed_values(expect(attributes, _SIGNED_ATTRIBUTES))
    kind = expect(values["content_type"], tags.OBJECT_IDENTIFIER)
    if dotted(bytes(kind.contents)) != content_type:
        raise ValueError("the signed content type is not that of the content")
    return Signer(
        issuer=bytes(expect(issuer, tags.SEQUENCE).whole),
        serial=_serial(serial),
        signing_time=_moment(values.get("signing_time")),
        message_digest=_octets(
            expect(values["message_digest"], tags.OCTET_STRING), MAX_DIGEST_SIZE
        ),
        digest_algorithm=_algorithm(bytes(digest_algorithm.whole)),
        signed_attributes=ber.write(tags.SET, bytes(attributes.contents)),
        signature_algorithm=_algorithm(bytes(signature_algorithm.whole)),
        signature=_octets(signature, _MAX_SIGNATURE_SIZE),
        time_stamps=_time_stamps(unsigned),
    )


def split_signer(data: bytes) -> tuple[list[ber.Element], list[bytes]]:
    """Return the six parts of a SignerInfo up to its signature, and its unsigned attributes.

    Raises ValueError if it is malformed.
    """
    parts = expect(ber.read(data), tags.SEQUENCE).children(_SIGNED_PARTS + 1)
    if len(parts) < _SIGNED_PARTS:
        raise ValueError("a signer without signed attributes, or without another part")
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


def _algorithm(data: bytes) -> str:
    """Return the identifier; an algorithm of ours has no parameters: absent or NULL."""
    return (_known if len(data) <= _USUAL_SIZE else _known.__wrapped__)(data)


@functools.lru_cache(_ALGORITHMS)
def _known(data: bytes) -> str:
    kind, *parameters = expect(ber.read(data), tags.SEQUENCE).children(2)
    name = dotted(bytes(expect(kind, tags.OBJECT_IDENTIFIER).contents))
    ours = name in DIGEST_OIDS or name in SIGNATURE_OIDS
    if ours and any(parameter.whole != _NULL for parameter in parameters):
        raise ValueError(f"the algorithm {name} with parameters")
    return name


def _octets(element: ber.Element, limit: int) -> bytes:
    octets = element.octets()
    if len(octets) > limit:
        raise ValueError("a digest or a signature that is longer than any in use")
    return bytes(octets)


def _serial(element: ber.Element) -> int:
    contents = expect(element, tags.INTEGER).contents
    if not 0 < len(contents) <= _MAX_SERIAL_SIZE:
        raise ValueError("a serial number that no certificate has")
    return int.from_bytes(contents, "big", signed=True)


def _signed_values(attributes: ber.Element) -> dict[str, ber.Element]:
    """Return the one value of each attribute that is used; the others are not looked into."""
    values: dict[str, ber.Element] = {}
    seen = set()
    for entry in attributes.children(MAX_ATTRIBUTES):
        kind, several = expect(entry, tags.SEQUENCE).children(2)
        contents = bytes(expect(kind, tags.OBJECT_IDENTIFIER).contents)
        name = _NAMES.get(contents)
        if contents in seen:
            raise ValueError(f"the signed attribute {name or dotted(contents)} twice")
        seen.add(contents)
        if name is not None:
            (values[name],) = expect(several, tags.SET).children(1)
    for name in ("content_type", "message_digest"):
        if name not in values:
            raise ValueError(f"no signed attribute {name}")
    return values


def _moment(value: ber.Element | None) -> datetime | None:
    return None if value is None else read_time(value.tag, bytes(value.contents))


def _time_stamps(unsigned: list[bytes]) -> tuple[bytes, ...]:
    tokens: list[bytes] = []
    for entry in unsigned:
        kind, values = expect(ber.read(entry), tags.SEQUENCE).children(2)
        if expect(kind, tags.OBJECT_IDENTIFIER).whole == _TIME_STAMP:
            # RFC 3161, appendix A: one value or more.
            several = expect(values, tags.SET).children(MAX_ATTRIBUTES)
            if not several:
                raise ValueError("the attribute of a time stamp without one")
            tokens += (bytes(token.whole) for token in several)
    return tuple(tokens[:MAX_TIME_STAMPS])
