"""Base64 as clients really write it, decoded while it arrives.

Accepted are line ends and blanks anywhere, the alphabet of base64url, and missing `=` at the end.
"""

from __future__ import annotations

import contextlib
from io import BytesIO
from typing import Final

from pybase64 import b64decode

_BLANKS: Final = b" \t\r\n"
_BAD: Final = 0x21  # stands for every byte that is not Base64
# The most that a text may have of these, at its end.
_MAX_PADDING: Final = 2


def _alphabet() -> bytes:
    table = bytearray([_BAD]) * 256
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
    for letter in letters:
        table[letter] = letter
    for letter, standard in zip(b"-_", b"+/", strict=True):
        table[letter] = standard
    return bytes(table)


_STANDARD: Final = _alphabet()


class Base64Text:
    """One text of Base64 while it is decoded."""

    def __init__(self) -> None:
        self._decoded = BytesIO()
        self._rest = b""  # up to three letters that are not decoded yet
        self._padding = 0

    def decode(self, text: bytes) -> int:
        """Decode some text, and return how many bytes it gave. Raises ValueError."""
        size = 0
        if not self._padding and b"=" not in text:
            letters = self._rest + text
            whole = len(letters) // 4 * 4
            with contextlib.suppress(ValueError):  # line ends, base64url, or no Base64 at all
                size = self._write(memoryview(letters)[:whole])
                self._rest, text = b"", letters[whole:]
        letters = text.translate(_STANDARD, _BLANKS)
        if _BAD in letters:
            raise ValueError("there is a character that is not Base64")
        if self._padding or b"=" in letters:
            letters = self._without_padding(letters)
        letters = self._rest + letters
        whole = len(letters) // 4 * 4
        self._rest = letters[whole:]
        return size + self._write(memoryview(letters)[:whole])

    def _write(self, letters: bytes | memoryview) -> int:
        """Decode whole groups of four letters, and return how many bytes they gave."""
        return self._decoded.write(b64decode(letters, validate=True))

    def _without_padding(self, letters: bytes) -> bytes:
        text = letters.rstrip(b"=")
        if b"=" in text or (text and self._padding):
            raise ValueError("there is text behind the =")
        self._padding += len(letters) - len(text)
        if self._padding > _MAX_PADDING:
            raise ValueError("there are too many =")
        return text

    def finish(self) -> bytes:
        """Return all that it gave. Raises ValueError."""
        if len(self._rest) == 1:
            raise ValueError("the last character of the Base64 is missing")
        if self._padding and (len(self._rest) + self._padding) % 4:
            raise ValueError("the = do not fit the length of the Base64")
        self._write(self._rest + b"=" * (-len(self._rest) % 4))
        self._rest = b""
        return self._decoded.getvalue()
