"""Frames in BER: both forms of length, and bounds."""

from __future__ import annotations

import pytest
from asn1crypto import core
from hypothesis import given
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
    many = b"\x04\x00" * (ber.MAX_ELEMENTS + 1)
    with pytest.raises(ValueError, match="more than"):
        ber.read(ber.write(0x24, many)).octets()
    with pytest.raises(ValueError, match="more than"):
        ber.read(b"\x24\x80" + many + b"\x00\x00")
    with pytest.raises(ValueError, match="more than 2"):
        ber.read(ber.write(0x30, b"\x02\x01\x01" * 3)).children(2)


def test_what_is_no_octet_string() -> None:
    for data in (b"\x02\x01\x01", b"\x24\x03\x02\x01\x01"):
        with pytest.raises(ValueError, match="octet string"):
            ber.read(data).octets()
    with pytest.raises(ValueError, match="primitive"):
        ber.read(b"\x04\x01a").children()
