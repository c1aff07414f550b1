"""The three curves, and keys on them."""

from __future__ import annotations

import os
from dataclasses import FrozenInstanceError

import pytest

from tests.support.reference_curve import encode, multiply
from tunnel_gateway.errors import InvalidKeyError, InvalidPointError
from tunnel_gateway.gost.curves import (
    CRYPTOPRO_A,
    CRYPTOPRO_B,
    CRYPTOPRO_C,
    CURVES,
    Curve,
    PrivateKey,
    PublicKey,
    swap_halves,
)
from tunnel_gateway.gost.key_agreement import agree
from tunnel_gateway.gost.signature import sign

on_each_curve = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)


def key(curve: Curve, scalar: int) -> PrivateKey:
    return PrivateKey(curve, scalar.to_bytes(32, "big"))


@on_each_curve
def test_the_parameters_fit_together(curve: Curve) -> None:
    assert curve.contains(curve.x, curve.y)
    assert (4 * curve.a**3 + 27 * curve.b**2) % curve.p, "singular"
    assert abs(curve.n - curve.p - 1) <= 2 * int(curve.p**0.5) + 2, "outside Hasse's bound"
    assert pow(2, curve.n - 1, curve.n) == pow(2, curve.p - 1, curve.p) == 1, "not prime"


@on_each_curve
def test_the_generator_has_the_order_n(curve: Curve) -> None:
    x, y = multiply(curve, curve.n - 1)
    assert (x, y) == (curve.x, curve.p - curve.y)


@on_each_curve
@pytest.mark.parametrize("scalar", [1, 2, 3, 2**128, 2**255 - 19])
def test_public_keys_by_another_way(curve: Curve, scalar: int) -> None:
    assert key(curve, scalar).public_key().encoded == encode(multiply(curve, scalar))


@on_each_curve
def test_public_keys_of_random_keys_by_another_way(curve: Curve) -> None:
    for _ in range(5):
        private_key = PrivateKey.generate(curve, os.urandom)
        scalar = int.from_bytes(private_key.to_bytes(), "big")
        assert private_key.public_key().encoded == encode(multiply(curve, scalar))


@on_each_curve
def test_the_smallest_and_the_largest_private_key(curve: Curve) -> None:
    assert key(curve, 1).public_key().encoded == encode((curve.x, curve.y))
    assert key(curve, curve.n - 1).public_key().encoded == encode((curve.x, curve.p - curve.y))


@on_each_curve
def test_private_keys_out_of_range_are_refused(curve: Curve) -> None:
    for scalar in (0, curve.n, curve.n + 1, 2**256 - 1):
        with pytest.raises(InvalidKeyError, match=curve.name):
            key(curve, scalar)


@on_each_curve
@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_private_keys_of_another_length_are_refused(curve: Curve, size: int) -> None:
    with pytest.raises(InvalidKeyError):
        PrivateKey(curve, b"\1" * size)


@on_each_curve
def test_points_off_the_curve_are_refused(curve: Curve) -> None:
    points = [
        (0, 0),
        (curve.x, curve.y + 1),
        (curve.x, curve.y - 1),
        (curve.y, curve.x),
        (2**256 - 1, 2**256 - 1),
    ]
    for x, y in points:
        assert not curve.contains(x, y)
        with pytest.raises(InvalidPointError, match=curve.name):
            PublicKey(curve, encode((x, y)))


@on_each_curve
def test_coordinates_that_are_not_reduced_are_refused(curve: Curve) -> None:
    unreduced = [(curve.x + curve.p, curve.y), (curve.x, curve.y + curve.p)]
    assert any(max(point) < 2**256 for point in unreduced)
    for x, y in unreduced:
        assert not curve.contains(x, y)
        if max(x, y) < 2**256:
            with pytest.raises(InvalidPointError):
                PublicKey(curve, encode((x, y)))
    assert not curve.contains(curve.x, curve.y - curve.p)
    assert not curve.contains(curve.x - curve.p, curve.y)


@pytest.mark.parametrize("size", [0, 32, 63, 65, 128])
def test_points_of_another_length_are_refused(size: int) -> None:
    with pytest.raises(InvalidPointError, match=f"64 bytes, not {size}"):
        PublicKey(CRYPTOPRO_A, bytes(size))


def test_a_point_of_one_curve_is_refused_on_another() -> None:
    encoded = key(CRYPTOPRO_A, 5).public_key().encoded
    for other in (CRYPTOPRO_B, CRYPTOPRO_C):
        with pytest.raises(InvalidPointError):
            PublicKey(other, encoded)


def test_a_flipped_bit_leaves_the_curve() -> None:
    encoded = key(CRYPTOPRO_A, 5).public_key().encoded
    for position in range(64):
        altered = bytearray(encoded)
        altered[position] ^= 1
        with pytest.raises(InvalidPointError):
            PublicKey(CRYPTOPRO_A, bytes(altered))


def test_the_secret_is_not_shown() -> None:
    private_key = key(CRYPTOPRO_B, 0xC0FFEE)
    for shown in (repr(private_key), str(private_key), f"{private_key}"):
        assert shown == "PrivateKey(CryptoPro-B, secret)"


def test_private_keys_are_not_compared() -> None:
    assert key(CRYPTOPRO_A, 7) != key(CRYPTOPRO_A, 7)


def test_public_keys_are_values() -> None:
    one, same = key(CRYPTOPRO_A, 7).public_key(), key(CRYPTOPRO_A, 7).public_key()
    assert one == same
    assert len({one, same, key(CRYPTOPRO_A, 8).public_key()}) == 2
    with pytest.raises(FrozenInstanceError):
        one.encoded = bytes(64)  # type: ignore[misc]


def test_what_is_written_reads_back() -> None:
    secret = bytes(31) + b"\7"
    assert PrivateKey(CRYPTOPRO_A, secret).to_bytes() == secret


def test_a_buffer_may_change_after_it_was_read() -> None:
    buffer = bytearray(31) + b"\7"
    private_key = PrivateKey(CRYPTOPRO_A, buffer)
    buffer[31] = 8
    assert private_key.to_bytes() == bytes(31) + b"\7"


@on_each_curve
@pytest.mark.parametrize("byte", [0x00, 0x01, 0xFF])
def test_any_entropy_gives_a_key(curve: Curve, byte: int) -> None:
    asked: list[int] = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return bytes([byte]) * size

    private_key = PrivateKey.generate(curve, entropy)
    assert asked == [64]
    assert 0 < int.from_bytes(private_key.to_bytes(), "big") < curve.n


def test_entropy_decides_the_key() -> None:
    def wide(number: int) -> PrivateKey:
        return PrivateKey.generate(CRYPTOPRO_A, lambda size: number.to_bytes(size, "big"))

    assert wide(0).to_bytes() == wide(CRYPTOPRO_A.n - 1).to_bytes() == bytes(31) + b"\1"
    assert int.from_bytes(wide(CRYPTOPRO_A.n - 2).to_bytes(), "big") == CRYPTOPRO_A.n - 1


def test_halves_are_turned_round() -> None:
    point = bytes(range(64))
    assert swap_halves(point) == bytes(range(31, -1, -1)) + bytes(range(63, 31, -1))
    assert swap_halves(swap_halves(point)) == point


def test_a_wiped_key_is_good_for_nothing() -> None:
    private_key = key(CRYPTOPRO_A, 12345)
    public_key = private_key.public_key()
    number = private_key.native()
    assert bytes(number) == (12345).to_bytes(32, "big")
    private_key.wipe()
    assert not any(bytes(number))
    with pytest.raises(InvalidKeyError, match="forgotten"):
        private_key.to_bytes()
    with pytest.raises(InvalidKeyError, match="forgotten"):
        sign(private_key, bytes(32), bytes(32))
    with pytest.raises(InvalidKeyError, match="forgotten"):
        agree(private_key, public_key, 1)


def test_a_key_has_a_number_of_its_own() -> None:
    number = bytearray((7).to_bytes(32, "big"))
    private_key = PrivateKey(CRYPTOPRO_A, bytes(number))
    copy = PrivateKey(CRYPTOPRO_A, private_key.to_bytes())
    private_key.wipe()
    assert copy.to_bytes() == number
