"""PEM text (RFC 7468), read strictly: a bundle that was cut off is an error."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

_BLOCK: Final = re.compile(
    rb"^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([A-Za-z0-9+/=\s]*)^-----END \1-----", re.MULTILINE
)
_BEGIN: Final = re.compile(rb"^-----BEGIN ", re.MULTILINE)


def is_pem(data: bytes) -> bool:
    """Tell whether there is a PEM block in ``data``."""
    return _BEGIN.search(data) is not None


def blocks(data: bytes) -> list[tuple[str, bytes]]:
    """Return the label and the content of every block; text between blocks is skipped.

    Raises ValueError if a block has no end, has headers, or is not base64.
    """
    found = _BLOCK.findall(data)
    if len(found) != len(_BEGIN.findall(data)):
        raise ValueError("a PEM block is incomplete or damaged")
    try:
        return [
            (label.decode("ascii"), base64.b64decode(b"".join(text.split()), validate=True))
            for label, text in found
        ]
    except binascii.Error as fault:
        raise ValueError(f"a PEM block is not base64: {fault}") from fault


def armour(label: str, content: bytes) -> bytes:
    """Write one block."""
    text = base64.b64encode(content)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return b"\n".join(
        [f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""]
    )
