"""OpenSSL's gost-engine and we give the same answers, and accept each other's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.interop.gost_engine import GostEngine, private_key_pem, public_key_pem
from tests.vectors import load, sbox
from tunnel_gateway.gost.cipher import Gost28147, MagmaMGM
from tunnel_gateway.gost.curves import CURVES, Curve, PrivateKey
from tunnel_gateway.gost.digest import digest, hkdf_expand, hkdf_extract, hmac
from tunnel_gateway.gost.key_agreement import agree
from tunnel_gateway.gost.signature import sign, verify

# Not 0: for nothing at all, gost-engine 3.0 has an answer of its own (3f25bc…), which is neither
# the published one nor that of libgcrypt, Nettle and others.
SIZES = (1, 31, 32, 33, 255, 1000, 100_000)
SBOXES = load("cipher")["sbox"]
on_each_curve = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)


def new_key(curve: Curve) -> PrivateKey:
    return PrivateKey.generate(curve, os.urandom)


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("size", SIZES)
def test_digests(gost_engine: GostEngine, size: int) -> None:
    data = os.urandom(size)
    assert gost_engine("dgst", "-md_gost94", "-binary", data=data) == digest(data)


@pytest.mark.parametrize("key_size", [1, 31, 32, 33, 100])
def test_macs(gost_engine: GostEngine, key_size: int) -> None:
    key, data = os.urandom(key_size), os.urandom(77)
    options = ("-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}", "-binary")
    assert gost_engine("dgst", "-md_gost94", *options, data=data) == hmac(key, data)


@pytest.mark.parametrize("length", [1, 32, 33, 100, 255 * 32])
def test_derived_keys(gost_engine: GostEngine, length: int) -> None:
    key, salt, info = os.urandom(32), os.urandom(20), os.urandom(10)
    options = {"digest": "md_gost94", "hexkey": key, "hexsalt": salt, "hexinfo": info}
    arguments = [
        f"{name}:{value.hex() if isinstance(value, bytes) else value}"
        for name, value in options.items()
    ]
    derived = gost_engine(
        *("kdf", "-binary", "-keylen", str(length)),
        *(part for argument in arguments for part in ("-kdfopt", argument)),
        "HKDF",
    )
    assert derived == hkdf_expand(hkdf_extract(salt, key), info, length)


@pytest.mark.parametrize("name", ["CryptoPro-A", "CryptoPro-B", "CryptoPro-C", "CryptoPro-D"])
def test_gost_28147_89_with_each_sbox(gost_engine: GostEngine, name: str) -> None:
    """The engine chains blocks (CBC) and changes keys after 1 KiB; below that, undo the chain."""
    key, iv, plaintext = os.urandom(32), os.urandom(8), os.urandom(8 * 100)
    options = ("-gost89-cbc", "-K", key.hex(), "-iv", iv.hex(), "-nopad")
    ciphertext = gost_engine("enc", *options, data=plaintext, cipher_sbox=name)
    chained = xor(plaintext, iv + ciphertext[:-8])
    assert Gost28147(key, sbox(SBOXES[name])).encrypt_blocks(chained) == ciphertext


def test_magma(gost_engine: GostEngine) -> None:
    """In counter mode, over zeros: the key stream is the encrypted counter."""
    key, iv = os.urandom(32), os.urandom(4)
    magma = MagmaMGM(key)
    options = ("-magma-ctr", "-K", key.hex(), "-iv", iv.hex() + "00000000")
    stream = gost_engine("enc", *options, data=bytes(8 * 50))
    counters = (iv + count.to_bytes(4, "big") for count in range(50))
    assert stream == b"".join(magma.encrypt_block(counter) for counter in counters)


@on_each_curve
def test_our_signatures_are_accepted(gost_engine: GostEngine, curve: Curve, tmp_path: Path) -> None:
    key, message = new_key(curve), os.urandom(100)
    signature, public = tmp_path / "signature", tmp_path / "public.pem"
    public.write_text(public_key_pem(key.public_key()))
    command = ("dgst", "-md_gost94", "-verify", public, "-signature", signature)
    signature.write_bytes(made := sign(key, digest(message), os.urandom(32)))
    assert gost_engine.accepts(*command, data=message)
    assert not gost_engine.accepts(*command, data=message + b"!")
    signature.write_bytes(made[32:] + made[:32])
    assert not gost_engine.accepts(*command, data=message)


@on_each_curve
def test_the_engines_signatures_are_accepted(
    gost_engine: GostEngine, curve: Curve, tmp_path: Path
) -> None:
    key, private = new_key(curve), tmp_path / "private.pem"
    private.write_text(private_key_pem(key))
    for size in (1, 50, 5000):
        message = os.urandom(size)
        signature = gost_engine("dgst", "-md_gost94", "-sign", private, data=message)
        verify(key.public_key(), signature, digest(message))


@on_each_curve
def test_public_keys(gost_engine: GostEngine, curve: Curve, tmp_path: Path) -> None:
    for _ in range(3):
        key, private = new_key(curve), tmp_path / "private.pem"
        private.write_text(private_key_pem(key))
        public = gost_engine("pkey", "-in", private, "-pubout", "-outform", "DER")
        assert public.endswith(key.public_key().encoded)


@on_each_curve
def test_agreed_keys(gost_engine: GostEngine, curve: Curve, tmp_path: Path) -> None:
    for ukm in (1, 2**64 - 1, int.from_bytes(os.urandom(8), "big") | 1):
        ours, theirs = new_key(curve), new_key(curve)
        private, public = tmp_path / "private.pem", tmp_path / "public.pem"
        private.write_text(private_key_pem(ours))
        public.write_text(public_key_pem(theirs.public_key()))
        derived = gost_engine(
            *("pkeyutl", "-derive", "-inkey", private, "-peerkey", public),
            *("-pkeyopt", f"ukmhex:{ukm.to_bytes(8, 'little').hex()}"),
        )
        assert derived == agree(theirs, ours.public_key(), ukm)
