"""The door to asn1crypto: what would keep it busy stays out."""

from __future__ import annotations

import pytest
from asn1crypto import core

from tunnel_gateway.pki.der import load_der


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
