"""BER from strangers (X.690, section 8): the frame of a message whose parts are then read as DER.

Some writers, such as E-IMZO, write a stream: lengths are indefinite, and an octet string comes in
pieces. asn1crypto reads that too, but copies the contents again and again, and a document can be
large. Here a message is read without copies, except that pieces are put together once. Every loop
counts the values that it passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from struct import iter_unpack
from typing import Final, NamedTuple

from tunnel_gateway.pki.encoding.tags import CONSTRUCTED, LONG_NUMBER, OCTET_STRING

MAX_ELEMENTS: Final = 1 << 17
MAX_NESTING: Final = 32
# Each value costs about a microsecond, and costs it again in each value of indefinite length around
# it. So many may be small. The others must have so many bytes on average, so that the time goes by
# the size. Writers of streams make pieces of a thousand bytes.
FEW_ELEMENTS: Final = 1 << 11
_USUAL_SIZE: Final = 256

_INDEFINITE: Final = 0x80
_MAX_LENGTH_BYTES: Final = 4
# A document of 64 MiB may have 67,000 pieces of one length. After so many of them, as many more as
# have passed are compared at once.
_RUN: Final = 64
# Bytes that are copied in one go: Python's lock is held meanwhile, and the loop must not wait.
_STEP: Final = 1024 * 1024


class Element(NamedTuple):
    """One value: its tag, and its contents without a copy. It lies in ``data``, up to ``end``."""

    tag: int
    contents: memoryview
    data: memoryview
    start: int
    end: int

    @property
    def whole(self) -> memoryview:
        """The value with its tag and length, and with its end mark if the length is indefinite."""
        return self.data[self.start : self.end]

    def children(self, limit: int = MAX_ELEMENTS) -> list[Element]:
        """Return the values inside a constructed value; ValueError if it is primitive."""
        if not self.tag & CONSTRUCTED:
            raise ValueError("a primitive value where others should be inside")
        elements: list[Element] = []
        data, at, size = self.contents, 0, len(self.contents)
        while at < size:
            element = _read(data, at)
            elements.append(element)
            if len(elements) > limit:
                raise ValueError(f"more than {limit} values in one")
            at = element.end
        return elements

    def octets(self) -> bytes | memoryview:
        """Return the octet string, without a copy if it is not in pieces.

        Raises ValueError for other values.
        """
        if self.tag == OCTET_STRING:
            return self.contents
        if self.tag != OCTET_STRING | CONSTRUCTED:
            raise ValueError("not an octet string")
        whole = BytesIO()
        for run in _runs(self.contents, 0):
            if run.tag != OCTET_STRING:
                raise ValueError("an octet string with other values than its pieces")
            _write_pieces(whole, self.contents[run.at : run.end], run)
        return whole.getvalue()


def read(data: bytes) -> Element:
    """Read exactly one value; raises ValueError for anything else."""
    element = _read(memoryview(data), 0)
    if element.end != len(data):
        raise ValueError("more after the end")
    return element


def copied(view: memoryview) -> bytes:
    """Return the bytes of a view, copied in steps between which other threads can work."""
    whole = BytesIO()
    _write(whole, view)
    return whole.getvalue()


def _write(whole: BytesIO, view: memoryview) -> None:
    whole.writelines(view[start : start + _STEP] for start in range(0, len(view), _STEP))


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


def _read(data: memoryview, at: int) -> Element:
    tag, start, length = _header(data, at)
    if length is not None:
        end = start + length
        contents = data[start:end]
    else:
        end = _end(data, start)
        contents = data[start : end - 2]
    # As Element(…), in half of the time: a message has a hundred values.
    return tuple.__new__(Element, (tag, contents, data, at, end))


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


class _Run(NamedTuple):
    """Values of the same tag and length, one behind the other; mostly there is only one.

    They are between ``at`` and ``end``, each with ``header`` bytes before its contents. ``length``
    is that of the contents of each, None if it is indefinite: then the run has one value, and ends
    where its contents start.
    """

    tag: int
    header: int
    length: int | None
    at: int
    end: int


def _runs(data: memoryview, at: int) -> Iterator[_Run]:
    """Yield what follows, up to the end of the data; what is in a value of indefinite length too.

    Raises ValueError if it breaks off, or if there are too many values.
    """
    began = at
    count = alike = 0
    last = (0, 0, 0)
    while at < len(data):
        tag, start, length = _header(data, at)
        header, size = start - at, length or 0
        if (tag, header, size) != last:
            last, alike = (tag, header, size), 0
        more = _repeats(data, at, header, header + size, alike) if alike >= _RUN and size else 0
        alike += 1 + more
        count += 1 + more
        end = start + size + more * (header + size)
        if count > MAX_ELEMENTS or count > FEW_ELEMENTS + (end - began) // _USUAL_SIZE:
            raise ValueError(f"{count} values, too many for {end - began} bytes")
        yield _Run(tag, header, length, at, end)
        at = end


def _repeats(data: memoryview, at: int, header: int, distance: int, most: int) -> int:
    """Return how many of the next values begin with the same ``header`` bytes as the one here.

    Not more than ``most``: if it is as many as were passed before, all values cost about the same.
    """
    count = min(most, (len(data) - at) // distance - 1)
    for place in range(at, at + header):
        column = bytes(data[place + distance :: distance][:count])
        count -= len(column.lstrip(data[place : place + 1]))
    return count


def _write_pieces(whole: BytesIO, values: memoryview, run: _Run) -> None:
    size = run.length or 0  # a primitive value has a length
    if len(values) == run.header + size:
        _write(whole, values[run.header :])
    else:
        whole.writelines(piece for (piece,) in iter_unpack(f"{run.header}x{size}s", values))


def _end(data: memoryview, at: int) -> int:
    """Return where a value of indefinite length ends, its end-of-contents passed."""
    depth = 1
    for run in _runs(data, at):
        if run.length is None:
            depth += 1
            if depth > MAX_NESTING:
                raise ValueError("values nested too deep")
        elif run.tag == 0:
            if run.length != 0:
                raise ValueError("an end that is not empty")
            depth -= 1
            if depth == 0:
                return run.end
    raise ValueError("it breaks off")
