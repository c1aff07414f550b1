"""Forms (application/x-www-form-urlencoded) as clients really send them, read while they arrive.

A form has short texts, and parts in Base64. In the Base64 these deviations are accepted beside
those of base64_text.py, because clients have them:

* a ``+`` that is not escaped stays a ``+``, although it means a blank in a form,
* a blank is a ``+`` that somebody has decoded once too often.

The fields come in any order. Unknown fields are skipped, and line ends dropped. As other bodies, a
form is decoded piece by piece on the loop, into the memory that its parts need.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from multidict import MultiMapping

from tunnel_gateway.rest.base64_text import Base64Text
from tunnel_gateway.rest.bodies import too_large
from tunnel_gateway.rest.body_kinds import BESIDE_FORM, PEM, Head
from tunnel_gateway.rest.escapes import Escapes, unescaped
from tunnel_gateway.rest.statuses import Reason, Refusal

MAX_FIELDS: Final = 32
# Decoded bytes.
MAX_NAME: Final = 64
MAX_TEXT: Final = 256

_USUAL_NAME: Final = re.compile(r"[A-Za-z][\w.\[\]-]*", re.ASCII)
_OTHER_NAME: Final = "(no usual name)"
_ESCAPE: Final = 3  # the bytes of an escape
_PLUS_FOR_BLANK: Final = bytes.maketrans(b" ", b"+")
# The fields beside the parts have room for this, each byte escaped.
_ROOM: Final = MAX_FIELDS * _ESCAPE * (MAX_NAME + MAX_TEXT)
# So many bytes of a form may a byte of a part be: of Base64, each letter escaped.
_LONGEST: Final = 4


class _Field(Protocol):
    def take(self, piece: bytes) -> int:
        """Take the next of its value; return the bytes that it gave. Raises ValueError."""

    def end(self) -> None:
        """Keep the value, which is whole. Raises ValueError."""


class FormBody:
    """A form with the fields ``texts``, and ``parts`` with together ``limit`` decoded bytes.

    When it is finished, ``texts`` has those that came and are not empty, and ``came`` the names of
    all fields, also of those that nobody knows. They are for the log. A name that no programmer
    gives to a field is left out there: it is perhaps a document, sent without a form.
    """

    def __init__(self, texts: tuple[str, ...], parts: tuple[str, ...], limit: int) -> None:
        self.texts: dict[str, str] = {}
        self.came: list[str] = []
        self._names = (*texts, *parts)
        self._part_names = parts
        self._limit = limit
        self._longest = _LONGEST * limit + _ROOM
        self._parts: dict[str, bytes] = {}
        self._head = Head()
        self._length = 0
        self._kept = 0
        self._ended = 0
        self._name = b""
        self._field: _Field | None = None  # whose value comes; None while a name comes

    def expect(self, length: int) -> None:
        """Raise Refusal if the text is longer than that of the limit, with every byte escaped."""
        if length > self._longest:
            raise too_large(self._limit or self._longest)

    def feed(self, piece: bytes) -> int:
        """Take the next piece of any size."""
        self._length += len(piece)
        self.expect(self._length)
        if not self._head.is_whole:
            self._head.take(piece)
        if b"\r" in piece or b"\n" in piece:
            piece = piece.translate(None, b"\r\n")
        text, ampersand, rest = piece.partition(b"&")
        while ampersand:
            self._take(text)
            self._end_field()
            self._ended += 1
            if self._ended == MAX_FIELDS:
                raise self._wrong(f"it has more than {MAX_FIELDS} fields")
            text, ampersand, rest = rest.partition(b"&")
        self._take(text)
        return self._kept

    def finish(self) -> tuple[bytes, ...]:
        """Return the parts, of those that did not come an empty one."""
        self._end_field()
        if self._other_kind():
            raise self._wrong("")
        return tuple(self._parts.get(name, b"") for name in self._part_names)

    def _take(self, text: bytes) -> None:
        if self._field is None:
            name, equals, text = text.partition(b"=")
            self._name += name
            if len(self._name) > _ESCAPE * MAX_NAME:
                raise self._name_too_long()
            if not equals:
                return
            self._field = self._begin_field()
        try:
            self._kept += self._field.take(text)
        except ValueError as fault:
            raise self._wrong(f"{self.came[-1]}: {fault}") from None
        if self._kept > self._limit:
            raise too_large(self._limit)

    def _begin_field(self) -> _Field:
        try:
            decoded = unescaped(self._name.replace(b"+", b" "))
        except ValueError as fault:
            raise self._wrong(f"the name of a field: {fault}") from None
        if len(decoded) > MAX_NAME:
            raise self._name_too_long()
        name = decoded.decode(errors="backslashreplace")
        known = name in self._names
        if known and name in self.came:
            raise self._wrong(f"{name} comes twice")
        self.came.append(name if known or _USUAL_NAME.fullmatch(name) else _OTHER_NAME)
        if not known:
            return _Skipped()
        if name in self._part_names:
            return _Part(name, self._parts)
        return _Text(name, self.texts)

    def _end_field(self) -> None:
        if self._field is None and self._name:
            self._field = self._begin_field()
        if self._field is not None:
            try:
                self._field.end()
            except ValueError as fault:
                raise self._wrong(f"{self.came[-1]}: {fault}") from None
            if sum(map(len, self._parts.values())) > self._limit:
                raise too_large(self._limit)
        self._field, self._name = None, b""

    def _name_too_long(self) -> Refusal:
        return self._wrong(f"the name of a field is longer than {MAX_NAME} bytes")

    def _other_kind(self) -> str:
        """Return what the body seems to be if it is not a form of ours, else an empty text."""
        if set(self.came).intersection(self._names):
            return ""
        return self._head.kind(BESIDE_FORM)

    def _wrong(self, fault: str) -> Refusal:
        """Return what came, and what is wanted instead."""
        if kind := self._other_kind():
            fault = f"this is {kind}"
        wanted = " and ".join(
            f"{name} in Base64" if name in self._part_names else name for name in self._names
        )
        return Refusal(
            Reason.BAD_BODY,
            f"{fault}; send a form (application/x-www-form-urlencoded) with {wanted}",
        )


class _Skipped:
    """The value of a field that nobody wants."""

    def take(self, _: bytes) -> int:
        """Drop it."""
        return 0

    def end(self) -> None:
        """Keep nothing."""


class _Text:
    """A short text."""

    def __init__(self, name: str, texts: dict[str, str]) -> None:
        self._name = name
        self._texts = texts
        self._raw = b""

    def take(self, piece: bytes) -> int:
        """Keep it as it came."""
        self._raw += piece
        if len(self._raw) > _ESCAPE * MAX_TEXT:
            raise ValueError(_TOO_LONG)
        return 0

    def end(self) -> None:
        """Decode the whole text."""
        decoded = unescaped(self._raw.replace(b"+", b" "))
        if text := _short(decoded):
            self._texts[self._name] = text


class _Part:
    """A part in Base64."""

    def __init__(self, name: str, parts: dict[str, bytes]) -> None:
        self._name = name
        self._parts = parts
        self._head = Head()
        self._escapes = Escapes()
        self._base64 = Base64Text()

    def take(self, piece: bytes) -> int:
        """Decode it."""
        text = self._escapes.decode(piece)
        if not self._head.is_whole:
            self._head.take(text)
        if b" " in text:
            text = text.translate(_PLUS_FOR_BLANK)
        try:
            return self._base64.decode(text)
        except ValueError:
            if kind := self._head.kind():
                raise ValueError(f"this is {kind}") from None
            raise

    def end(self) -> None:
        """Keep the whole part."""
        self._base64.decode(self._escapes.rest)
        if self._head.text.startswith(PEM):  # which base64url could mean too
            raise ValueError(f"this is {self._head.kind()}")
        self._parts[self._name] = self._base64.finish()


_TOO_LONG: Final = f"it is longer than {MAX_TEXT} bytes"


def _short(decoded: bytes) -> str:
    """Return a text without blanks around it. Raises ValueError."""
    if len(decoded) > MAX_TEXT:
        raise ValueError(_TOO_LONG)
    try:
        return decoded.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


def texts_of_query(names: tuple[str, ...], query: MultiMapping[str]) -> dict[str, str]:
    """Return the texts of a form that stand in the query of the path. Raises Refusal."""
    texts = {}
    for name in names:
        values = query.getall(name, [])
        if len(values) > 1:
            raise Refusal(Reason.BAD_BODY, f"{name} comes twice in the query")
        try:
            text = _short("".join(values).encode(errors="surrogatepass"))
        except ValueError as fault:
            raise Refusal(Reason.BAD_BODY, f"{name} in the query: {fault}") from None
        if text:
            texts[name] = text
    return texts
