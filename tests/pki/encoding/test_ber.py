"""Frames in BER: both forms of length, and bounds."""

from __future__ import annotations

import pytest
from asn1crypto import core
from hypothesis import assume, given
from hypothesis import strategies as st

from tunnel_gateway.pki.encoding import ber, tags


@given(st.binary(max_size=300), st.integers(0, 3))
def test_what_is_written_is_read(contents: bytes, padding: int) -> None:
    contents *= 10**padding
    written = ber.write(tags.OCTET_STRING, contents)
    assert written == core.OctetString(contents).dump()
    assert ber.read(written).octets() == contents


def test_pieces_of_indefinite_length() -> None:
    pieces = b"\x04\x02ab\x04\x00\x04\x01c"
    assert ber.read(b"\x24\x80" + pieces + b"\x00\x00").octets() == b"abc"
    assert ber.read(ber.write(0x24, pieces)).octets() == b"abc"


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 200, 1000]), st.integers(1, 300)), min_size=1, max_size=4
    ),
    st.booleans(),
)
def test_long_runs_of_pieces(runs: list[tuple[int, int]], indefinite: bool) -> None:
    """Many pieces of one length are read faster than others, and to the same result."""
    pieces = [bytes([number % 251]) * size for size, count in runs for number in range(count)]
    contents = b"".join(ber.write(tags.OCTET_STRING, piece) for piece in pieces)
    end = b"\x00\x00" if indefinite else b""
    value = b"\x24\x80" + contents + end if indefinite else ber.write(0x24, contents)
    outer = b"\x30\x80" + value + b"\x02\x01\x06\x00\x00"
    octets, number = ber.read(outer).children()
    assert octets.octets() == b"".join(pieces)
    assert bytes(number.contents) == b"\x06"
    for size in (1, len(contents) // 2, len(contents)):
        with pytest.raises(ValueError, match=r"\w"):
            ber.read(outer[:-size])


def _plainly_read(data: bytes, at: int = 0, end: int | None = None) -> tuple[list[object], int]:
    """The values up to the end, or to an end-of-contents; each with its tag, byte by byte."""
    values: list[object] = []
    while at != end:
        tag, length = data[at], data[at + 1]
        at += 2
        if end is None and (tag, length) == (0, 0):
            return values, at
        if length == 0x80:
            inner, at = _plainly_read(data, at)
            values.append((tag, inner))
            continue
        if length > 0x80:
            length, at = (
                int.from_bytes(data[at : at + length - 0x80], "big"),
                at + length - 0x80,
            )
        inside = data[at : at + length]
        values.append((tag, _plainly_read(inside, 0, length)[0] if tag & 0x20 else inside))
        at += length
    return values, at


def _as_read(element: ber.Element) -> object:
    if element.tag & tags.CONSTRUCTED:
        return element.tag, [_as_read(child) for child in element.children()]
    return element.tag, bytes(element.contents)


def _constructed(inside: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    contents = st.lists(
        st.builds(lambda one, count: one * count, inside, st.sampled_from([1, 1, 1, 70, 200])),
        max_size=4,
    ).map(b"".join)
    tag = st.sampled_from([0x24, 0x30, 0xA0])
    return st.one_of(
        st.builds(ber.write, tag, contents),
        st.builds(lambda tag, contents: bytes([tag, 0x80]) + contents + b"\0\0", tag, contents),
    )


_PRIMITIVES = st.builds(ber.write, st.sampled_from([2, 4]), st.binary(max_size=3))


@given(_constructed(st.recursive(_PRIMITIVES, _constructed, max_leaves=6)))
def test_values_are_read_as_a_plain_reader_reads_them(data: bytes) -> None:
    assume(len(data) < 2 * ber.FEW_ELEMENTS)  # so that no bound is met
    assert ([_as_read(ber.read(data))], len(data)) == _plainly_read(data, 0, len(data))


@pytest.mark.parametrize("place", [64, 65, 128, 129, 130, 299])
def test_another_value_in_a_long_run(place: int) -> None:
    values = [ber.write(tags.OCTET_STRING, bytes(200))] * 300
    values[place] = ber.write(tags.INTEGER, bytes(200))
    contents = b"".join(values)
    with pytest.raises(ValueError, match="octet string"):
        ber.read(ber.write(0x24, contents)).octets()
    inner = b"\x24\x80" + contents + b"\x00\x00"
    found, after = ber.read(b"\x30\x80" + inner + b"\x02\x01\x06\x00\x00").children()
    assert bytes(found.whole) == inner
    assert after.tag == tags.INTEGER


def test_a_copy_is_whole() -> None:
    data = bytes(range(256)) * (3 * 4096 + 1)
    assert ber.copied(memoryview(data)) == data


def test_indefinite_in_indefinite() -> None:
    inner = b"\x30\x80\x02\x01\x05\x00\x00"
    outer = ber.read(b"\x30\x80" + inner + b"\x02\x01\x06\x00\x00")
    first, second = outer.children()
    assert bytes(first.whole) == inner
    assert bytes(first.children()[0].contents) == b"\x05"
    assert bytes(second.contents) == b"\x06"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x05\x02\x01\x01",
        b"\x30\x80\x02\x01\x01",
        b"\x30\x80\x02\x01\x01\x00",
        b"\x30\x80\x00\x01\x00",
        b"\x04\x80\x00\x00",
        b"\x30\x85\x00\x00\x00\x00\x00",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x3f\x81\x01\x00",
        b"\x02\x01\x05\x00",
        b"\x30\x80" * 100 + b"\x00\x00" * 100,
    ],
)
def test_malformed(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        ber.read(data)


def test_too_many() -> None:
    large = ber.write(tags.OCTET_STRING, bytes(300))
    for many in (
        b"\x04\x00" * (ber.FEW_ELEMENTS + 20),
        b"\x04\x01a" * (ber.FEW_ELEMENTS + 50),
        b"\x04\x00\x04\x01a" * (ber.FEW_ELEMENTS // 2 + 50),
        large * 100 + b"\x04\x00" * (ber.FEW_ELEMENTS + 50),
        large * (ber.MAX_ELEMENTS + 1),
    ):
        _refuses_many(many)


def test_many_small_values_among_others() -> None:
    few = b"\x04\x01a" * ber.FEW_ELEMENTS
    large = ber.write(tags.OCTET_STRING, bytes(300)) * 1000
    for pieces in (few, few + large, large + few):
        assert len(ber.read(b"\x24\x80" + pieces + b"\x00\x00").octets()) in (
            ber.FEW_ELEMENTS,
            ber.FEW_ELEMENTS + 300_000,
        )


def _refuses_many(many: bytes) -> None:
    with pytest.raises(ValueError, match="too many"):
        ber.read(ber.write(0x24, many)).octets()
    with pytest.raises(ValueError, match="too many"):
        ber.read(b"\x24\x80" + many + b"\x00\x00")
    with pytest.raises(ValueError, match="more than 2"):
        ber.read(ber.write(0x30, b"\x02\x01\x01" * 3)).children(2)


def test_what_is_no_octet_string() -> None:
    for data in (b"\x02\x01\x01", b"\x24\x03\x02\x01\x01"):
        with pytest.raises(ValueError, match="octet string"):
            ber.read(data).octets()
    with pytest.raises(ValueError, match="primitive"):
        ber.read(b"\x04\x01a").children()
