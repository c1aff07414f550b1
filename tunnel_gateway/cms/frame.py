"""The frame of a signed message: its parts as bytes, to be read, or put together again.

CMS SignedData (RFC 5652, section 5) in DER, or in BER as E-IMZO writes it. A part keeps its own
bytes: a signature covers some of them, and a message that is taken apart and put together again
must still verify. Every count is bounded before anything is spent on the parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.pki.encoding import ber, der, tags
from tunnel_gateway.pki.encoding.kind import Kind
from tunnel_gateway.pki.encoding.kind import kind as kind_of

SIGNED_DATA_OID: Final = "1.2.840.113549.1.7.2"
DATA_OID: Final = "1.2.840.113549.1.7.1"

# A scanned contract of some hundred pages. A page that signs sends no more than this either.
MAX_DOCUMENT_SIZE: Final = 64 * 1024 * 1024
# A message is longer than its document: by its signers, their certificates and time stamps, and by
# four bytes for each thousand if it comes in pieces. So a whole message may be longer by this, and
# so much may stand beside its document. Those parts are copied, digested and shown.
MESSAGE_ROOM: Final = 1024 * 1024
MAX_SIZE: Final = MAX_DOCUMENT_SIZE + MESSAGE_ROOM
# Each signer brings a certificate, and perhaps the certificates of another centre.
MAX_CERTIFICATES: Final = 48
MAX_SIGNERS: Final = 16
# Nobody is known to put revocation lists into a message; RFC 5652 allows any number.
MAX_REVOCATION_LISTS: Final = 48
# A signer has about a kilobyte. A time stamp comes with its own certificates.
MAX_SIGNER_SIZE: Final = 256 * 1024

_SIGNED_DATA: Final = der.identifier(SIGNED_DATA_OID)
_CONTENT: Final = tags.context(0, constructed=True)
_CERTIFICATES: Final = tags.context(0, constructed=True)
_LISTS: Final = tags.context(1, constructed=True)
_MAX_PARTS: Final = 6
_MAX_VERSION: Final = 127  # RFC 5652 has 5 as the highest

# A message that was encoded twice, and other files of E-IMZO that are sent instead of one.
_BASE64: Final = re.compile(rb"MI[A-Za-z0-9+/]{6}")
OTHER_FILES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "certificate": "a certificate alone, or something built like one",
        "pfx": "a PKCS#12 file (PFX)",
    }
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The parts of a message. Each but ``content`` is a whole value: its tag, length and contents.

    ``content_type`` is a dotted identifier. ``content`` is None if the message is detached, and a
    view of the message if its document is not in pieces.
    """

    version: int
    digest_algorithms: tuple[bytes, ...]
    content_type: str
    content: bytes | memoryview | None
    certificates: tuple[bytes, ...]
    revocation_lists: tuple[bytes, ...]
    signers: tuple[bytes, ...]

    @classmethod
    def read(cls, data: bytes) -> Frame:
        """Read exactly one message. Raises SignedDataError if it is too large, ValueError if it is
        malformed.
        """
        if len(data) > MAX_SIZE:
            raise SignedDataError(f"{len(data)} bytes; {MAX_SIZE} is the limit")
        _refuse_other_files(data)
        kind, explicit = expect(ber.read(data), tags.SEQUENCE).children(2)
        if expect(kind, tags.OBJECT_IDENTIFIER).contents != _SIGNED_DATA[2:]:
            raise ValueError("not signed data")
        (body,) = expect(explicit, _CONTENT).children(1)
        version, algorithms, content, *optional, signers = expect(body, tags.SEQUENCE).children(
            _MAX_PARTS
        )
        certificates, lists = _optional_parts(optional)
        content_type, octets = _split_content(content)
        if len(data) - len(octets.whole if octets else b"") > MESSAGE_ROOM:
            raise ValueError(f"more than {MESSAGE_ROOM} bytes beside the document")
        infos = expect(signers, tags.SET).children(MAX_SIGNERS)
        if any(len(info.whole) > MAX_SIGNER_SIZE for info in infos):
            raise ValueError(f"a signer of more than {MAX_SIGNER_SIZE} bytes")
        return cls(
            version=_version(version),
            digest_algorithms=_wholes(expect(algorithms, tags.SET), MAX_SIGNERS),
            content_type=_identifier(content_type),
            content=octets.octets() if octets else None,
            certificates=_wholes(certificates, MAX_CERTIFICATES) if certificates else (),
            revocation_lists=_wholes(lists, MAX_REVOCATION_LISTS) if lists else (),
            signers=tuple(bytes(info.whole) for info in infos),
        )

    def expect_content(self, content_type: str) -> None:
        """Raise ValueError unless the signed content is of this type."""
        if self.content_type != content_type:
            kind = "plain data" if content_type == DATA_OID else "a time stamp"
            raise ValueError(f"the signed content is not {kind}")

    def write(self) -> bytes:
        """Return the message, its frame in DER. The order of the parts is kept.

        DER would sort certificates and signers, but some readers take the first certificate for
        that of the signer.
        """
        content = [der.identifier(self.content_type)]
        if self.content is not None:
            document = self.content
            if isinstance(document, memoryview):
                # The joining below would hold Python's lock for a view of any size.
                document = ber.copied(document)
            content += ber.enclose(_CONTENT, ber.enclose(tags.OCTET_STRING, [document]))
        certificates = ber.enclose(_CERTIFICATES, self.certificates) if self.certificates else []
        lists = ber.enclose(_LISTS, self.revocation_lists) if self.revocation_lists else []
        body = [
            ber.write(tags.INTEGER, bytes([self.version])),
            *ber.enclose(tags.SET, self.digest_algorithms),
            *ber.enclose(tags.SEQUENCE, content),
            *certificates,
            *lists,
            *ber.enclose(tags.SET, self.signers),
        ]
        explicit = ber.enclose(_CONTENT, ber.enclose(tags.SEQUENCE, body))
        return b"".join(ber.enclose(tags.SEQUENCE, [_SIGNED_DATA, *explicit]))


def _refuse_other_files(data: bytes) -> None:
    """Raise ValueError with what the bytes are, if their beginning is not that of a message."""
    if not tags.starts_sequence(data):
        again = "; it is Base64 inside of Base64" if _BASE64.match(data) else ""
        raise ValueError(f"not a PKCS#7 message, which begins with MI in Base64{again}")
    if other := OTHER_FILES.get(kind_of(data)):
        raise ValueError(f"{other}, and not a PKCS#7 message")


def expect(element: ber.Element, tag: int) -> ber.Element:
    """Return the value if it has this tag; raises ValueError for another."""
    if element.tag != tag:
        raise ValueError(f"a value with the tag {element.tag:#04x}, not {tag:#04x}")
    return element


def _version(element: ber.Element) -> int:
    version = int.from_bytes(expect(element, tags.INTEGER).contents, "big")
    if version > _MAX_VERSION:
        raise ValueError("a version that no message has")
    return version


def _identifier(element: ber.Element) -> str:
    return der.dotted(bytes(expect(element, tags.OBJECT_IDENTIFIER).contents))


def _wholes(parent: ber.Element, limit: int) -> tuple[bytes, ...]:
    return tuple(bytes(child.whole) for child in parent.children(limit))


def _optional_parts(parts: list[ber.Element]) -> tuple[ber.Element | None, ber.Element | None]:
    """Return the certificates and the revocation lists, each None if it is not there."""
    given = [part.tag for part in parts]
    if given not in ([], [_CERTIFICATES], [_LISTS], [_CERTIFICATES, _LISTS]):
        raise ValueError("a part that does not belong there")
    by_tag = dict(zip(given, parts, strict=True))
    return by_tag.get(_CERTIFICATES), by_tag.get(_LISTS)


def _split_content(element: ber.Element) -> tuple[ber.Element, ber.Element | None]:
    """Return the type of the content, and its octet string, None if the message is detached."""
    kind, *explicit = expect(element, tags.SEQUENCE).children(2)
    if not explicit:
        return kind, None
    (octets,) = expect(explicit[0], _CONTENT).children(1)
    return kind, octets
