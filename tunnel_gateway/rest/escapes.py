"""Percent-encoding (RFC 3986, 2.1), undone while a text arrives.

The work is done by the C code for quoted-printable text, which has the same escapes behind another
sign. A loop over the escapes would take twenty times as long, and bodies are read on the loop.
"""

from __future__ import annotations

from binascii import a2b_qp
from typing import Final

# The bytes that an escape has less than its text has.
_SHRINKS: Final = 2


def unescaped(text: bytes) -> bytes:
    """Return a text without its escapes. Raises ValueError."""
    if b"%" not in text:
        return text
    decoded = a2b_qp(text.replace(b"=", b"=3D").replace(b"%", b"="))
    # A % without two digits shrinks less. Only before a line end it would vanish.
    if len(text) - len(decoded) != _SHRINKS * text.count(b"%") or b"%\n" in text or b"%\r" in text:
        raise ValueError("there is a % without two hexadecimal digits behind it")
    return decoded


class Escapes:
    """The escapes of one text that comes in pieces; ``rest`` is one that is not whole yet."""

    def __init__(self) -> None:
        self.rest = b""

    def decode(self, piece: bytes) -> bytes:
        """Return the next of the text, without its escapes. Raises ValueError."""
        text = self.rest + piece
        cut = text.rfind(b"%", -_SHRINKS)
        if cut == -1:
            cut = len(text)
        self.rest = text[cut:]
        return unescaped(text[:cut])
