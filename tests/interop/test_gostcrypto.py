"""gostcrypto, an implementation in Python, on any input: Magma, MGM over it, and signatures."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import reference_mgm
from tunnel_gateway.gost.cipher import MagmaMGM
from tunnel_gateway.gost.curves import CURVES, Curve, PrivateKey, swap_halves
from tunnel_gateway.gost.signature import sign, verify

gostcrypto = pytest.importorskip(
    "gostcrypto", reason="NOT COMPARED with gostcrypto: install the extra dev"
)
cipher, signature = gostcrypto.gostcipher, gostcrypto.gostsignature

# GOST R 34.10-2012 took the three curves over under other names.
PARAMETER_SETS = {
    "CryptoPro-A": "id-tc26-gost-3410-2012-256-paramSetB",
    "CryptoPro-B": "id-tc26-gost-3410-2012-256-paramSetC",
    "CryptoPro-C": "id-tc26-gost-3410-2012-256-paramSetD",
}
keys = st.binary(min_size=32, max_size=32)
on_each_curve = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)


def parameters(curve: Curve) -> dict[str, int]:
    found: dict[str, int] = signature.CURVES_R_1323565_1_024_2019[PARAMETER_SETS[curve.name]]
    return found


def signer(curve: Curve) -> Any:
    return signature.new(signature.MODE_256, parameters(curve))


def magma(key: bytes) -> reference_mgm.BlockCipher:
    # gostcrypto wipes the key that it is given.
    ecb = cipher.new("magma", bytearray(key), cipher.MODE_ECB)
    return lambda block: bytes(ecb.encrypt(bytearray(block)))


@given(key=keys, block=st.binary(min_size=8, max_size=8))
@settings(deadline=None)
def test_magma(key: bytes, block: bytes) -> None:
    assert MagmaMGM(key).encrypt_block(block) == magma(key)(block)


@given(
    key=keys,
    nonce=st.integers(0, 2**63 - 1),
    plaintext=st.binary(max_size=60),
    associated=st.binary(min_size=1, max_size=20),
)
@settings(max_examples=50, deadline=None)
def test_mgm_over_another_magma(
    key: bytes, nonce: int, plaintext: bytes, associated: bytes
) -> None:
    encoded = nonce.to_bytes(8, "big")
    sealed = MagmaMGM(key).encrypt(encoded, plaintext, associated)
    assert sealed == reference_mgm.seal(magma(key), encoded, plaintext, associated)


@on_each_curve
def test_the_curves_have_the_same_parameters(curve: Curve) -> None:
    theirs = parameters(curve)
    ours = {"p": curve.p, "a": curve.a, "b": curve.b, "q": curve.n, "x": curve.x, "y": curve.y}
    assert ours == {name: theirs[name] for name in ours}


@on_each_curve
@given(entropy=st.binary(min_size=64, max_size=64), signed=keys)
@settings(max_examples=8, deadline=None)
def test_signatures_both_ways(curve: Curve, entropy: bytes, signed: bytes) -> None:
    key = PrivateKey.generate(curve, lambda _: entropy)
    public_key, backwards = key.public_key(), bytearray(signed[::-1])
    point = bytearray(swap_halves(public_key.encoded))
    assert bytes(signer(curve).public_key_generate(bytearray(key.to_bytes()))) == bytes(point)

    ours = sign(key, signed, os.urandom(32))
    assert signer(curve).verify(point, backwards, bytearray(ours[32:] + ours[:32]))

    theirs = bytes(signer(curve).sign(bytearray(key.to_bytes()), backwards))
    verify(public_key, theirs[32:] + theirs[:32], signed)
