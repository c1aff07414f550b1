"""Cipher streams of libgcrypt, BouncyCastle and gost-engine against ours."""

from __future__ import annotations

import os

import pytest

from tests.interop.bouncy_castle import BouncyCastle
from tests.interop.gost_engine import GostEngine
from tests.interop.libgcrypt import CIPHER_MODE_CFB, CIPHER_MODE_CTR, CIPHER_MODE_OFB, Libgcrypt
from tests.support.reference_streams import SBOXES
from tunnel_gateway.gost.cipher import Gost28147
from tunnel_gateway.gost.streams import Mode, ParamSet, Stream

SIZE = 8 * 500
OIDS = {
    ParamSet.TEST: "1.2.643.2.2.31.0",
    ParamSet.CRYPTOPRO_A: "1.2.643.2.2.31.1",
    ParamSet.CRYPTOPRO_B: "1.2.643.2.2.31.2",
    ParamSet.CRYPTOPRO_C: "1.2.643.2.2.31.3",
    ParamSet.CRYPTOPRO_D: "1.2.643.2.2.31.4",
    ParamSet.DIGEST_TEST: "1.2.643.2.2.30.0",
    ParamSet.DIGEST: "1.2.643.2.2.30.1",
}
LIBGCRYPT = Libgcrypt()
LIBGCRYPTS_MODES = {Mode.CFB: CIPHER_MODE_CFB, Mode.OFB: CIPHER_MODE_OFB, Mode.SIC: CIPHER_MODE_CTR}

on_each_sbox = pytest.mark.parametrize("param_set", ParamSet, ids=lambda one: one.name)


def check(cipher: tuple[ParamSet, Mode], key: bytes, iv: bytes, data: bytes, theirs: bytes) -> None:
    assert Stream(*cipher, key, iv).encrypt(data) == theirs
    assert Stream(*cipher, key, iv).decrypt(theirs) == data


@on_each_sbox
@pytest.mark.parametrize("mode", LIBGCRYPTS_MODES, ids=lambda mode: mode.name)
def test_libgcrypt(param_set: ParamSet, mode: Mode) -> None:
    key, iv, data = os.urandom(32), os.urandom(8), os.urandom(SIZE)
    theirs = LIBGCRYPT.encrypt_stream(LIBGCRYPTS_MODES[mode], OIDS[param_set], key, iv, data)
    check((param_set, mode), key, iv, data, theirs)


@pytest.mark.parametrize(
    "param_set",
    [one for one in ParamSet if one.name.startswith("CRYPTOPRO")],
    ids=lambda one: one.name,
)
def test_key_meshing_of_libgcrypt(param_set: ParamSet) -> None:
    """It knows of meshing where the RFC gives a parameter set with it."""
    key, iv, data = os.urandom(32), os.urandom(8), os.urandom(SIZE)
    theirs = LIBGCRYPT.encrypt_stream(CIPHER_MODE_CFB, OIDS[param_set], key, iv, data, mesh=True)
    check((param_set, Mode.GCFB), key, iv, data, theirs)


@pytest.mark.parametrize("name", "ABCD")
def test_gost_engine_in_cfb_with_key_meshing(gost_engine: GostEngine, name: str) -> None:
    key, iv, data = os.urandom(32), os.urandom(8), os.urandom(SIZE)
    options = ("-gost89", "-K", key.hex(), "-iv", iv.hex())
    theirs = gost_engine("enc", *options, data=data, cipher_sbox=f"CryptoPro-{name}")
    check((ParamSet[f"CRYPTOPRO_{name}"], Mode.GCFB), key, iv, data, theirs)


@on_each_sbox
@pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.name)
def test_bouncy_castle(bouncy_castle: BouncyCastle, param_set: ParamSet, mode: Mode) -> None:
    key, iv, data = os.urandom(32), os.urandom(8), os.urandom(SIZE)
    if mode is Mode.GOFB:
        # It brings the carry of the upper half back, as the standard has it: so without a carry.
        start = os.urandom(4) + os.urandom(3) + b"\0"
        iv, data = Gost28147(key, SBOXES[param_set]).decrypt_blocks(start), data[: 8 * 250]
    arguments = (mode.name, SBOXES[param_set], key, iv, data)
    [theirs] = bouncy_castle("encrypt-stream", *arguments)
    check((param_set, mode), key, iv, data, theirs)
