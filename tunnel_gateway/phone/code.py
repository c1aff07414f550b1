"""The code that a page shows as a QR, or opens as a deeplink, for a phone to sign.

It has 84 hexadecimal digits: the siteId (4), the documentId (8), the hash of what is signed (64,
lower case) and a CRC-32 (8, lower case). The CRC is over the bytes that the digits before it stand
for, not over the digits. A QR holds the bare code, and a deeplink has DEEPLINK before it. The
vendor's integration guide, section 3.4.2, names the programs that make such codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from tunnel_gateway.errors import MobileCodeError
from tunnel_gateway.gost.digest import DIGEST_SIZE, digest

DEEPLINK: Final = "eimzo://sign?qc="

# Where the hash and the CRC begin, in digits, and where the code ends.
HASH_START: Final = 12
CRC_START: Final = 76
CODE_LENGTH: Final = 84

_SITE_ID: Final = re.compile(r"[0-9A-Fa-f]{4}")
_DOCUMENT_ID: Final = re.compile(r"[0-9A-Fa-f]{8}")


@dataclass(frozen=True, slots=True)
class Code:
    """A code: two identifiers as they are written, and the 32 bytes that the phone signs.

    The constructor raises MobileCodeError if an identifier is not one.
    """

    site_id: str
    document_id: str
    hash: bytes

    def __post_init__(self) -> None:
        if not _SITE_ID.fullmatch(self.site_id):
            raise MobileCodeError("a siteId has 4 hexadecimal digits, as 0000")
        if not _DOCUMENT_ID.fullmatch(self.document_id):
            raise MobileCodeError("a documentId has 8 hexadecimal digits, as 2944F1F2")
        if len(self.hash) != DIGEST_SIZE:
            raise MobileCodeError(f"a hash has {DIGEST_SIZE} bytes")

    @property
    def text(self) -> str:
        """The 84 digits."""
        digits = f"{self.site_id}{self.document_id}{self.hash.hex()}"
        return f"{digits}{crc32(bytes.fromhex(digits)):08x}"

    @property
    def deeplink(self) -> str:
        """The address that opens the phone's application with this code."""
        return DEEPLINK + self.text


def make_code(site_id: str, document_id: str, content: bytes) -> Code:
    """Return the code for ``content``: the challenge as it is written, or the bytes of a document.

    Raises MobileCodeError if an identifier is not one.
    """
    return Code(site_id, document_id, digest(content))
