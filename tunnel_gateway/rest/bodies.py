"""The bodies of calls: Base64 as clients really send it, decoded while it arrives.

Clients send the Base64 alone, whatever their Content-Type says, with a bar between two parts. It is
never decoded as a form, so a ``+`` stays. These deviations are accepted, because clients have them:

* line ends and blanks anywhere,
* the alphabet of base64url, and missing ``=`` at the end,
* ``0=<percent-encoded Base64>``: a form with one field that has no name.

A body is decoded piece by piece on the loop. A document of 64 MiB then takes 64 MiB of memory and
not twice as much, and no piece keeps other calls waiting longer than the reading of it does.
"""

from __future__ import annotations

import contextlib
import re
from io import BytesIO
from typing import Final, Protocol

from pybase64 import b64decode

from tunnel_gateway.cms.frame import MESSAGE_ROOM
from tunnel_gateway.rest.statuses import Reason, Refusal

_BLANKS: Final = b" \t\r\n"
_BAD: Final = 0x21  # stands for every byte that is not Base64
_BAR: Final = b"|"
_FORM: Final = b"0="
_PEM: Final = b"-----BEGIN"
# The escapes of a form that the Base64 of a message has. Clients write letters and digits as they
# are. To undo an escape of any byte takes ten times as long, and bodies are decoded on the loop.
_ESCAPES: Final = tuple(
    (form(f"%{byte:02x}").encode(), bytes([byte]))
    for byte in b"+/=|\r\n "
    for form in (str.upper, str.lower)
)
# The most that one part may have of these, at its end.
_MAX_PADDING: Final = 2
# So many bytes of a body are looked at to say what it is instead of Base64.
_LOOK: Final = 64
# Only a document may have no byte. A message without a byte is a message that was left out.
_MAY_BE_EMPTY: Final = frozenset({"document"})


def _alphabet() -> bytes:
    table = bytearray([_BAD]) * 256
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
    for letter in letters:
        table[letter] = letter
    for letter, standard in zip(b"-_", b"+/", strict=True):
        table[letter] = standard
    return bytes(table)


_STANDARD: Final = _alphabet()

# The kinds of bodies that are told from each other by their first bytes, to help a developer.
_KINDS: Final = (
    (re.compile(rb"\s*[{\[\"]"), "JSON"),
    (re.compile(rb"\s*data:"), "a data URL: leave out all up to the comma"),
    (re.compile(rb"\s*<"), "XML or HTML"),
    (re.compile(rb"-----BEGIN"), "PEM: leave out the lines with BEGIN and END"),
    (re.compile(rb"--"), "a multipart form"),
    (re.compile(rb"[\w.%-]{1,60}=[^=\s]"), "a form: leave out the name of the field"),
    (re.compile(rb"[A-Za-z0-9+/]+%(?:2B|2F|3D|7C)", re.IGNORECASE), "percent-encoded text"),
    (re.compile(rb"\x30[\x80-\x84]"), "the bytes of a PKCS#7 document themselves"),
)


class Body(Protocol):
    """A body while it arrives."""

    def feed(self, piece: bytes) -> int:
        """Take the next piece, and return how many bytes are kept by now. Raises Refusal."""

    def finish(self) -> tuple[bytes, ...]:
        """Return the parts of the whole body. Raises Refusal."""


def longest_text(limit: int) -> int:
    """Return how long a body may be that has ``limit`` bytes in Base64, with line ends."""
    return (limit + MESSAGE_ROOM) // 2 * 3


class Base64Body:
    """The parts ``names``, decoded; together they may have ``limit`` bytes and MESSAGE_ROOM."""

    def __init__(self, names: tuple[str, ...], limit: int) -> None:
        self._names = names
        self._limit = limit + MESSAGE_ROOM
        self._longest = longest_text(limit)
        self._parts: list[bytes] = []
        self._part = _Part()
        self._kept = 0
        self._length = 0
        self._head = b""
        self._form: _Form | None = None

    def feed(self, piece: bytes) -> int:
        """Take the next piece of any size."""
        self._length += len(piece)
        if self._length > self._longest:
            raise too_large(self._limit)
        if len(self._head) < _LOOK:
            piece = self._look(piece)
        if self._form is not None:
            piece = self._form.decode(piece)
        self._take(piece)
        return self._kept

    def finish(self) -> tuple[bytes, ...]:
        """Return as many parts as there are names."""
        if self._head.startswith(_PEM):  # which base64url could mean too
            raise self._wrong("")
        if len(self._head) < len(_FORM):
            self._take(self._head)
        if self._form is not None:
            self._take(self._form.rest)
        self._end_part()
        if len(self._parts) < len(self._names):
            raise self._wrong("there is no bar in it" if self._length else "")
        for name, part in zip(self._names, self._parts, strict=True):
            if not part and name not in _MAY_BE_EMPTY:
                raise self._wrong(f"the {name} is empty" if self._length else "")
        return tuple(self._parts)

    def _look(self, piece: bytes) -> bytes:
        """Keep the first bytes, and tell a form by them; return what can be decoded by now."""
        known = len(self._head) >= len(_FORM)
        whole = piece if known else self._head + piece
        self._head += piece[: _LOOK - len(self._head)]
        if known:
            return piece
        if len(whole) < len(_FORM):
            return b""
        if not whole.startswith(_FORM):
            return whole
        self._form = _Form()
        return whole[len(_FORM) :]

    def _take(self, piece: bytes) -> None:
        text, bar, after = piece.partition(_BAR)
        self._decode(text)
        if bar:
            self._end_part()
            if len(self._parts) == len(self._names):
                raise self._wrong("there is one bar too many")
            self._part = _Part()
            self._take(after)

    def _decode(self, text: bytes) -> None:
        try:
            self._kept += self._part.decode(text)
        except ValueError as fault:
            raise self._wrong(str(fault)) from None
        if self._kept > self._limit:
            raise too_large(self._limit)

    def _end_part(self) -> None:
        try:
            self._parts.append(self._part.finish())
        except ValueError as fault:
            raise self._wrong(str(fault)) from None

    def _wrong(self, fault: str) -> Refusal:
        """Return what came, and what is wanted instead."""
        wanted = f"send the {', a bar and the '.join(self._names)} in Base64"
        if not self._length:
            return Refusal(Reason.BAD_BODY, f"the body is empty; {wanted}")
        kind = next((text for pattern, text in _KINDS if pattern.match(self._head)), None)
        came = f"this is {kind}" if kind else fault
        return Refusal(Reason.BAD_BODY, f"{came}; {wanted}")


class _Part:
    """One part while it is decoded."""

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
        """Return the whole part. Raises ValueError."""
        if len(self._rest) == 1:
            raise ValueError("the last character of the Base64 is missing")
        if self._padding and (len(self._rest) + self._padding) % 4:
            raise ValueError("the = do not fit the length of the Base64")
        self._write(self._rest + b"=" * (-len(self._rest) % 4))
        self._rest = b""
        return self._decoded.getvalue()


class _Form:
    """The percent-encoding of a form, undone; ``rest`` is not decoded yet."""

    def __init__(self) -> None:
        self.rest = b""

    def decode(self, piece: bytes) -> bytes:
        """Return the text, without an escape that is not complete yet."""
        text = self.rest + piece
        cut = text.rfind(b"%", -2)
        if cut == -1:
            cut = len(text)
        self.rest = text[cut:]
        text = text[:cut]
        for escape, byte in _ESCAPES:
            text = text.replace(escape, byte)
        return text


class RawBody:
    """A body that is kept as it is, up to ``limit`` bytes: one part."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = BytesIO()

    def feed(self, piece: bytes) -> int:
        """Take the next piece of any size."""
        self._kept.write(piece)
        if self._kept.tell() > self._limit:
            raise too_large(self._limit)
        return self._kept.tell()

    def finish(self) -> tuple[bytes, ...]:
        """Return the body."""
        return (self._kept.getvalue(),)


def too_large(limit: int) -> Refusal:
    """Return the refusal of a body with more than ``limit`` bytes."""
    return Refusal(Reason.BODY_TOO_LARGE, f"it may have {limit // 1024} KiB, see body.limit")
