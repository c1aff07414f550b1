"""DER from strangers (X.690, section 10): on its way into asn1crypto, and split into its values.

asn1crypto makes an object of everything it passes, which takes some microseconds each. Data that
are not proven yet, or of which only one part is needed, are only split into slices here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from asn1crypto import core

from tunnel_gateway.pki.encoding.tags import LONG_NUMBER

_SHORT_LENGTH: Final = 0x80
_MAX_LENGTH_BYTES: Final = 4
# No number begins with this byte (X.690, 8.19.2); otherwise an identifier had many encodings.
_PADDING: Final = 0x80
# Ours have 11 bytes.
_MAX_IDENTIFIER_SIZE: Final = 64

# Some dozens are in use. A stranger who sends others makes them be read again, no more.
_IDENTIFIERS: Final = 512

# An object identifier is made of numbers, and asn1crypto takes time quadratic in the length of
# each: 25 seconds for 400 KB. In all of them, every byte but the last has its highest bit set.
# Real ones have five such bytes at most; in names and under encryption, a run of so many bytes
# does not come about either.
_LONG_NUMBER: Final = re.compile(rb"[\x80-\xff]{1024}")

# asn1crypto raises one of these for malformed input; it depends on where the fault is.
MALFORMED: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
)


class Value(NamedTuple):
    """One value: its tag, its contents, and the whole value."""

    tag: int
    contents: bytes
    whole: bytes


def load_der(kind: Any, data: bytes) -> Any:
    """Read exactly one value of asn1crypto's class ``kind``.

    asn1crypto reads the inner values when they are used; this bounds how long that can take.
    Raises ValueError, or another of the errors in ``MALFORMED``.
    """
    if has_long_number(data):
        raise ValueError("a number of more than 7000 bits in an object identifier")
    return kind.load(data, strict=True)


def has_long_number(data: bytes) -> bool:
    """Tell whether there may be a number in ``data`` that takes too long to read."""
    return _LONG_NUMBER.search(data) is not None


def reason(fault: Exception) -> str:
    """Return the fault in one line: asn1crypto's texts have several, and the first says it."""
    return str(fault).partition("\n")[0] or type(fault).__name__


@contextmanager
def malformed_as(error: Callable[[Exception], Exception]) -> Iterator[None]:
    """Raise what ``error`` makes of a fault in place of one of the errors in ``MALFORMED``."""
    try:
        yield
    except MALFORMED as fault:
        raise error(fault) from fault


def values(data: bytes, limit: int) -> list[Value]:
    """Split the contents of a constructed value into values, without reading those.

    Raises ValueError for data that are not DER, and for more than ``limit`` values.
    """
    split: list[Value] = []
    at, size = 0, len(data)
    new = tuple.__new__
    while at < size:
        if len(split) == limit:
            raise ValueError(f"more than {limit} values in one")
        if size - at < 2:
            raise ValueError("it breaks off")
        tag, length, start = data[at], data[at + 1], at + 2
        if tag & LONG_NUMBER == LONG_NUMBER:
            raise ValueError("a tag of a number that is not used here")
        if length >= _SHORT_LENGTH:
            length, start = _long_length(data, at)
        end = start + length
        if end > size:
            raise ValueError("it breaks off")
        # As Value(…), in half of the time: a certificate has eighty values.
        split.append(new(Value, (tag, data[start:end], data[at:end])))
        at = end
    return split


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    """Return the length that several bytes tell, and where the contents of the value start."""
    start = at + 2 + data[at + 1] - _SHORT_LENGTH
    if start > at + 2 + _MAX_LENGTH_BYTES:
        raise ValueError("a length of too many bytes")
    number = data[at + 2 : start]
    length = int.from_bytes(number, "big")
    if length < _SHORT_LENGTH or not number[0]:
        raise ValueError("a length that is not DER")
    return length, start


def contents(data: bytes, tag: int) -> bytes:
    """Return the contents of the one value in ``data``; ValueError if it has another tag."""
    split = values(data, 1)
    if not split or split[0].tag != tag:
        raise ValueError("a value of another type than is due here")
    return split[0].contents


@functools.lru_cache(_IDENTIFIERS)
def dotted(contents: bytes) -> str:
    """Return an object identifier in dotted form; ValueError for contents that are malformed."""
    if not contents or len(contents) > _MAX_IDENTIFIER_SIZE or contents[-1] & 0x80:
        raise ValueError("an object identifier that is cut, or longer than any in use")
    arcs: list[int] = []
    number = 0
    for byte in contents:
        if byte == _PADDING and not number:
            raise ValueError("an object identifier that is not DER")
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(number)
            number = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))


def identifier(dotted_form: str) -> bytes:
    """Return an object identifier as a whole value."""
    return bytes(core.ObjectIdentifier(dotted_form).dump())
