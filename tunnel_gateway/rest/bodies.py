"""The bodies of calls: Base64 as clients really send it, decoded while it arrives.

Clients send the Base64 alone, whatever their Content-Type says, with a bar between two parts. It is
never decoded as a form, so a ``+`` stays. Beside what base64_text.py accepts, there are clients
that send ``0=<percent-encoded Base64>``: a form with one field that has no name.

A body is decoded piece by piece on the loop. A document of 64 MiB then takes 64 MiB of memory and
not twice as much, and no piece keeps other calls waiting longer than the reading of it does.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final, Protocol

from tunnel_gateway.cms.frame import MESSAGE_ROOM
from tunnel_gateway.rest.base64_text import Base64Text
from tunnel_gateway.rest.body_kinds import BESIDE_BASE64, PEM, Head
from tunnel_gateway.rest.escapes import Escapes
from tunnel_gateway.rest.statuses import Reason, Refusal

_BAR: Final = b"|"
_FORM: Final = b"0="
# Only a document may have no byte. A message without a byte is a message that was left out.
_MAY_BE_EMPTY: Final = frozenset({"document"})


class Body(Protocol):
    """A body while it arrives."""

    def expect(self, length: int) -> None:
        """Raise Refusal if a text of ``length`` bytes is too long for it."""

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
        self._part = Base64Text()
        self._kept = 0
        self._length = 0
        self._head = Head()
        self._form: Escapes | None = None

    def expect(self, length: int) -> None:
        """Raise Refusal if the text is longer than that of the limit, with line ends."""
        if length > self._longest:
            raise too_large(self._limit)

    def feed(self, piece: bytes) -> int:
        """Take the next piece of any size."""
        self._length += len(piece)
        self.expect(self._length)
        if not self._head.is_whole:
            piece = self._look(piece)
        if self._form is not None:
            try:
                piece = self._form.decode(piece)
            except ValueError as fault:
                raise self._wrong(str(fault)) from None
        self._take(piece)
        return self._kept

    def finish(self) -> tuple[bytes, ...]:
        """Return as many parts as there are names."""
        if self._head.text.startswith(PEM):  # which base64url could mean too
            raise self._wrong("")
        if len(self._head.text) < len(_FORM):
            self._take(self._head.text)
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
        before = self._head.text
        self._head.take(piece)
        if len(before) >= len(_FORM):
            return piece
        whole = before + piece
        if len(whole) < len(_FORM):
            return b""
        if not whole.startswith(_FORM):
            return whole
        self._form = Escapes()
        return whole[len(_FORM) :]

    def _take(self, piece: bytes) -> None:
        text, bar, after = piece.partition(_BAR)
        self._decode(text)
        if bar:
            self._end_part()
            if len(self._parts) == len(self._names):
                raise self._wrong("there is one bar too many")
            self._part = Base64Text()
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
        kind = self._head.kind(BESIDE_BASE64)
        came = f"this is {kind}" if kind else fault
        return Refusal(Reason.BAD_BODY, f"{came}; {wanted}")


class RawBody:
    """A body that is kept as it is, up to ``limit`` bytes: one part."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = BytesIO()

    def expect(self, length: int) -> None:
        """Raise Refusal if it is longer than the limit."""
        if length > self._limit:
            raise too_large(self._limit)

    def feed(self, piece: bytes) -> int:
        """Take the next piece of any size."""
        self._kept.write(piece)
        self.expect(self._kept.tell())
        return self._kept.tell()

    def finish(self) -> tuple[bytes, ...]:
        """Return the body."""
        return (self._kept.getvalue(),)


def too_large(limit: int) -> Refusal:
    """Return the refusal of a body with more than ``limit`` bytes."""
    return Refusal(Reason.BODY_TOO_LARGE, f"it may have {limit // 1024} KiB, see body.limit")
