"""BER from strangers (X.690, section 8): the frame of a message whose parts are then read as DER.

Some writers, such as E-IMZO, write a stream: lengths are indefinite, and an octet string comes in
pieces. asn1crypto reads that too, but copies the contents again and again, and a document can be
large. Here a message is read without copies. Every loop counts the values that it passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tunnel_gateway.pki.encoding.tags import CONSTRUCTED, LONG_NUMBER, OCTET_STRING

MAX_ELEMENTS: Final = 1 << 17
MAX_NESTING: Final = 32

_INDEFINITE: Final = 0x80
_MAX_LENGTH_BYTES: Final = 4


class Element(NamedTuple):
    """One value: its tag, and its contents without a copy.

    ``whole`` is the value with its tag and length, and with its end mark if the length is
    indefinite.
    """

    tag: int
    contents: memoryview
    whole: memoryview

    def children(self, limit: int = MAX_ELEMENTS) -> list[Element]:
        """Return the values inside a constructed value; ValueError if it is primitive."""
        if not self.tag & CONSTRUCTED:
            raise ValueError("a primitive value where others should be inside")
        elements: list[Element] = []
        at = 0
        while at < len(self.contents):
            element, at = _read(self.contents, at)
            elements.append(element)
            if len(elements) > limit:
                raise ValueError(f"more than {limit} values in one")
        return elements

    def octets(self) -> bytes:
        """Return the octet string, also if it comes in pieces; ValueError for other values."""
        if self.tag == OCTET_STRING:
            return bytes(self.contents)
        if self.tag != OCTET_STRING | CONSTRUCTED:
            raise ValueError("not an octet string")
        pieces = self.children()
        if any(piece.tag != OCTET_STRING for piece in pieces):
            raise ValueError("an octet string with other values than its pieces")
        return b"".join(piece.contents for piece in pieces)


def read(data: bytes) -> Element:
    """Read exactly one value; raises ValueError for anything else."""
    element, end = _read(memoryview(data), 0)
    if end != len(data):
        raise ValueError("more after the end")
    return element


def write(tag: int, contents: bytes) -> bytes:
    """Return a value in DER."""
    return _start(tag, len(contents)) + contents


def enclose(tag: int, pieces: Sequence[bytes]) -> list[bytes]:
    """Return a value in DER as pieces, so that a large one is copied only when all are joined."""
    return [_start(tag, sum(map(len, pieces))), *pieces]


def _start(tag: int, size: int) -> bytes:
    if size < _INDEFINITE:
        return bytes([tag, size])
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _INDEFINITE | len(length)]) + length


def _read(data: memoryview, at: int) -> tuple[Element, int]:
    # Most values are short, and a message has a hundred.
    if at + 2 <= len(data) and data[at + 1] < _INDEFINITE and data[at] & LONG_NUMBER != LONG_NUMBER:
        end = at + 2 + data[at + 1]
        if end > len(data):
            raise ValueError("it breaks off")
        return Element(data[at], data[at + 2 : end], data[at:end]), end
    tag, start, length = _header(data, at)
    if length is not None:
        end = start + length
        return Element(tag, data[start:end], data[at:end]), end
    end = _end(data, start)
    return Element(tag, data[start : end - 2], data[at:end]), end


def _header(data: memoryview, at: int) -> tuple[int, int, int | None]:
    """Return the tag, where the contents start, and their length, None if it is indefinite."""
    if len(data) - at < 2:
        raise ValueError("it breaks off")
    tag, first = data[at], data[at + 1]
    if tag & LONG_NUMBER == LONG_NUMBER:
        raise ValueError("a tag of a number that is not used here")
    start = at + 2
    if first == _INDEFINITE:
        if not tag & CONSTRUCTED:
            raise ValueError("a primitive value of indefinite length")
        return tag, start, None
    length = first
    if first > _INDEFINITE:
        count = first & ~_INDEFINITE
        if count > _MAX_LENGTH_BYTES:
            raise ValueError("a length of too many bytes")
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    if length > len(data) - start:
        raise ValueError("it breaks off")
    return tag, start, length


def _end(data: memoryview, at: int) -> int:
    """Return where a value of indefinite length ends, its end-of-contents passed."""
    depth = 1
    for _ in range(MAX_ELEMENTS):
        tag, start, length = _header(data, at)
        if tag == 0:
            if length != 0:
                raise ValueError("an end that is not empty")
            depth -= 1
            if depth == 0:
                return start
            at = start
        elif length is None:
            depth += 1
            if depth > MAX_NESTING:
                raise ValueError("values nested too deep")
            at = start
        else:
            at = start + length
    raise ValueError(f"more than {MAX_ELEMENTS} values in one")
