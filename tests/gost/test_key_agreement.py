"""VKO GOST R 34.10-2001."""

from __future__ import annotations

import os

import pytest

from tests.support import reference_curve
from tests.support.reference_curve import CURVES_BY_NAME, encode, multiply
from tests.vectors import load
from tunnel_gateway.errors import InvalidPointError
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CURVES, Curve, PrivateKey
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.gost.key_agreement import agree, shared_x

VECTORS = load("key_agreement")["agreement"]
on_each_curve = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)


def new_key(curve: Curve) -> PrivateKey:
    return PrivateKey.generate(curve, os.urandom)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["curve"])
def test_published_agreements_by_the_reference(vector: dict[str, str]) -> None:
    curve, ukm = CURVES_BY_NAME[vector["curve"]], int(vector["ukm"], 16)
    ours, theirs = (int(vector[name], 16) for name in ("d", "other_d"))
    for d, other_d in ((ours, theirs), (theirs, ours)):
        shared = reference_curve.agree(curve, d, multiply(curve, other_d), ukm)
        assert digest(encode(shared)).hex() == vector["key"]


@on_each_curve
def test_agreements_by_another_way(curve: Curve) -> None:
    for _ in range(5):
        ours, theirs = new_key(curve), new_key(curve)
        ukm = int.from_bytes(os.urandom(8), "big") | 1
        d, other_d = (int.from_bytes(key.to_bytes(), "big") for key in (ours, theirs))
        shared = reference_curve.agree(curve, d, multiply(curve, other_d), ukm)
        assert agree(ours, theirs.public_key(), ukm) == digest(encode(shared))


@on_each_curve
def test_both_sides_agree_and_no_one_else(curve: Curve) -> None:
    for _ in range(5):
        ours, theirs, eve = new_key(curve), new_key(curve), new_key(curve)
        ukm = int.from_bytes(os.urandom(8), "big") | 1
        agreed = agree(ours, theirs.public_key(), ukm)
        assert len(agreed) == 32
        assert agreed == agree(theirs, ours.public_key(), ukm)
        assert agreed != agree(eve, theirs.public_key(), ukm)
        assert agreed != agree(ours, theirs.public_key(), ukm ^ 2)


@on_each_curve
@pytest.mark.parametrize("ukm", [1, 2, 2**32 - 1, 2**64 - 1])
def test_the_shared_point_by_another_way(curve: Curve, ukm: int) -> None:
    ours, theirs = 0xABCDEF, 0xFEDCBA
    private_key = PrivateKey(curve, ours.to_bytes(32, "big"))
    public_key = PrivateKey(curve, theirs.to_bytes(32, "big")).public_key()
    shared = multiply(curve, ours * theirs * ukm % curve.n)
    assert agree(private_key, public_key, ukm) == digest(encode(shared))


@on_each_curve
def test_the_largest_key_agrees(curve: Curve) -> None:
    """The product of two numbers near the order has to be reduced."""
    ours = PrivateKey(curve, (curve.n - 1).to_bytes(32, "big"))
    theirs = PrivateKey(curve, (curve.n - 2).to_bytes(32, "big"))
    shared = multiply(curve, 2 * (2**64 - 1))
    assert agree(ours, theirs.public_key(), 2**64 - 1) == digest(encode(shared))
    assert agree(theirs, ours.public_key(), 2**64 - 1) == digest(encode(shared))


@pytest.mark.parametrize("ukm", [0, -1, 2**64])
def test_a_ukm_out_of_range_is_refused(ukm: int) -> None:
    key = new_key(CRYPTOPRO_A)
    with pytest.raises(ValueError, match="64 bits"):
        agree(key, key.public_key(), ukm)


def test_keys_on_two_curves_are_refused() -> None:
    for ours in CURVES:
        for theirs in CURVES:
            if ours is not theirs:
                with pytest.raises(InvalidPointError, match="different curves"):
                    agree(new_key(ours), new_key(theirs).public_key(), 1)


@on_each_curve
def test_the_plain_shared_x_by_another_way(curve: Curve) -> None:
    for _ in range(5):
        ours, theirs = new_key(curve), new_key(curve)
        d, other_d = (int.from_bytes(key.to_bytes(), "big") for key in (ours, theirs))
        x, _ = multiply(curve, d * other_d % curve.n)
        assert shared_x(ours, theirs.public_key()) == x.to_bytes(32, "big")
        assert shared_x(theirs, ours.public_key()) == x.to_bytes(32, "big")


def test_the_plain_shared_x_of_two_curves_is_refused() -> None:
    with pytest.raises(InvalidPointError, match="different curves"):
        shared_x(new_key(CURVES[0]), new_key(CURVES[1]).public_key())
