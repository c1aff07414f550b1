"""The kind that a file seems to be, by its first bytes, so that a message can name it."""

from __future__ import annotations

from typing import Final, Literal

from tunnel_gateway.pki.encoding import tags

Kind = Literal["empty", "page", "certificate", "pfx", "pkcs7", "unknown"]

EMPTY: Final = "it is empty"
PAGE: Final = "it is a web page (HTML or XML), such as a server's error; fetch it again"
ONLY_CERTIFICATES: Final = (
    "certificates alone (PKCS#7, .p7b); take them out of it:"
    " openssl pkcs7 -inform DER -print_certs -in FILE -out NEW.pem"
)

_SHORTEST: Final = 4
# Of DER, what the outermost SEQUENCE begins with: the body of a certificate, a version number, the
# identifier of a CMS content.
_FIRST_TAGS: Final[dict[bytes, Kind]] = {
    bytes([tags.SEQUENCE]): "certificate",
    bytes([tags.INTEGER]): "pfx",
    bytes([tags.OBJECT_IDENTIFIER]): "pkcs7",
}


def kind(data: bytes) -> Kind:
    """Return the kind of a file. A revocation list begins like a certificate and counts as one."""
    if not tags.starts_sequence(data) or len(data) < _SHORTEST:
        text = data[:1024].strip()
        return "page" if text.startswith(b"<") else "unknown" if text else "empty"
    # The length is one byte, or says in its low bits how many bytes follow; 0x80 is BER's open end.
    start = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
    return _FIRST_TAGS.get(data[start : start + 1], "unknown")
