"""libgcrypt's own signatures, MACs and GOST 28147-89 against ours."""

from __future__ import annotations

import os

import pytest

from tests.interop.libgcrypt import Libgcrypt
from tests.vectors import load, sbox
from tunnel_gateway.gost.cipher import Gost28147
from tunnel_gateway.gost.curves import CURVES, Curve, PrivateKey, swap_halves
from tunnel_gateway.gost.digest import hmac
from tunnel_gateway.gost.signature import sign, verify

SBOXES = load("cipher")["sbox"]
SBOX_OIDS = {
    "TestParamSet": "1.2.643.2.2.31.0",
    "TestParamSet-3411": "1.2.643.2.2.30.0",
    "CryptoPro-3411": "1.2.643.2.2.30.1",
    "CryptoPro-A": "1.2.643.2.2.31.1",
    "CryptoPro-B": "1.2.643.2.2.31.2",
    "CryptoPro-C": "1.2.643.2.2.31.3",
    "CryptoPro-D": "1.2.643.2.2.31.4",
    "TC26-Z": "1.2.643.7.1.2.5.1.1",
}
LIBGCRYPT = Libgcrypt()
on_each_curve = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)


@pytest.mark.parametrize("key_size", [1, 31, 32, 33, 100])
def test_macs(key_size: int) -> None:
    for size in (0, 1, 50, 1000):
        key, data = os.urandom(key_size), os.urandom(size)
        assert LIBGCRYPT.mac(key, data) == hmac(key, data)


@pytest.mark.parametrize("name", SBOXES)
def test_gost_28147_89_with_each_sbox(name: str) -> None:
    key, data = os.urandom(32), os.urandom(8 * 200)
    ours = Gost28147(key, sbox(SBOXES[name])).encrypt_blocks(data)
    assert LIBGCRYPT.encrypt(SBOX_OIDS[name], key, data) == ours


@on_each_curve
def test_our_signatures_are_accepted(curve: Curve) -> None:
    name = f"GOST2001-{curve.name}"
    for _ in range(5):
        key, signed = PrivateKey.generate(curve, os.urandom), os.urandom(32)
        point = swap_halves(key.public_key().encoded)
        signature = sign(key, signed, os.urandom(32))
        assert LIBGCRYPT.accepts(name, point, signed[::-1], signature)
        assert not LIBGCRYPT.accepts(name, point, os.urandom(32), signature)


@on_each_curve
def test_libgcrypts_signatures_are_accepted(curve: Curve) -> None:
    for _ in range(5):
        key, signed = PrivateKey.generate(curve, os.urandom), os.urandom(32)
        point = swap_halves(key.public_key().encoded)
        arguments = (f"GOST2001-{curve.name}", point, key.to_bytes(), signed[::-1])
        verify(key.public_key(), LIBGCRYPT.sign(*arguments), signed)
