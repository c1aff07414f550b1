"""The door to asn1crypto, where what would keep it busy stays out; and values split without it."""

from __future__ import annotations

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.pki.encoding.der import (
    MALFORMED,
    Value,
    contents,
    dotted,
    load_der,
    malformed_as,
    reason,
    values,
)


def identifier(size: int) -> bytes:
    """An object identifier whose last number has so many bytes."""
    contents = b"\x2a" + b"\x81" * (size - 1) + b"\x01"
    return bytes(core.OctetString(contents).dump().replace(b"\x04", b"\x06", 1))


@pytest.mark.parametrize("size", [1, 5, 1024])
def test_what_is_read(size: int) -> None:
    assert load_der(core.ObjectIdentifier, identifier(size)).native.startswith("1.2.")


@pytest.mark.parametrize("size", [1025, 500_000])
def test_a_number_that_would_take_long(size: int) -> None:
    with pytest.raises(ValueError, match="more than 7000 bits"):
        load_der(core.ObjectIdentifier, identifier(size))


def test_what_follows_is_seen() -> None:
    with pytest.raises(ValueError, match="trailing"):
        load_der(core.Null, b"\x05\x00\x00")


@given(st.lists(st.tuples(st.integers(0, 30), st.binary(max_size=300)), max_size=6))
def test_what_was_put_together_is_split_again(parts: list[tuple[int, bytes]]) -> None:
    whole = [core.Any(core.OctetString(content)).dump() for _, content in parts]
    assert values(b"".join(whole), 6) == [
        Value(4, content, one_) for (_, content), one_ in zip(parts, whole, strict=True)
    ]


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    try:
        found = values(data, 100)
    except ValueError:
        return
    assert b"".join(value.whole for value in found) == data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("30", "breaks off"),
        ("3001", "breaks off"),
        ("3080", "not DER"),
        ("308100", "not DER"),
        ("30817f", "not DER"),
        ("30820080", "not DER"),
        ("3081", "not DER"),
        ("308501000000ff", "too many bytes"),
        ("30ff", "too many bytes"),
        ("1f0100", "a number that is not used"),
        ("050005000500", "more than 2 values"),
    ],
)
def test_what_is_no_der(data: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        values(bytes.fromhex(data), 2)


def test_one_value_of_one_type() -> None:
    assert contents(b"\x04\x01a", 4) == b"a"
    for data in (b"", b"\x05\x00"):
        with pytest.raises(ValueError, match="another type"):
            contents(data, 4)


@pytest.mark.parametrize("oid", ["1.2.860.3.16.1.2", "2.5.4.3", "2.999.1", "0.0", "1.39.16384"])
def test_identifiers(oid: str) -> None:
    assert dotted(core.ObjectIdentifier(oid).contents) == oid


@pytest.mark.parametrize("contents", [b"", b"\x80", b"\x2a\x81", b"\x01" * 65])
def test_what_is_no_identifier(contents: bytes) -> None:
    with pytest.raises(ValueError, match="an object identifier that is cut"):
        dotted(contents)


def test_an_identifier_has_one_form() -> None:
    assert dotted(bytes.fromhex("551d1e")) == "2.5.29.30"
    for padded in ("80551d1e", "55801d1e", "551d801e"):
        with pytest.raises(ValueError, match="not DER"):
            dotted(bytes.fromhex(padded))


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_fault_in_malformed_input_becomes_another_error(kind: type[Exception]) -> None:
    first = kind("the first line\nthe second")
    with (
        pytest.raises(OSError, match=r"read: the first line$") as caught,
        malformed_as(lambda fault: OSError(f"cannot be read: {reason(fault)}")),
    ):
        raise first
    assert caught.value.__cause__ is first


def test_other_errors_stay_as_they_are() -> None:
    with pytest.raises(OSError, match="disk"), malformed_as(lambda _: AssertionError()):
        raise OSError("disk")
    with malformed_as(lambda _: AssertionError()):
        pass


def test_a_fault_without_a_text_is_named() -> None:
    assert reason(IndexError()) == "IndexError"
