"""GOST 28147-89 as a stream: block after block, slow and plain, over the block cipher alone."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tests.vectors import load, sbox
from tunnel_gateway.gost.cipher import BLOCK_SIZE, Gost28147
from tunnel_gateway.gost.streams import Mode, ParamSet

MESHED = 1024
MESHING_CONSTANT = bytes.fromhex("6900722264c904238d3adb9646e92ac418feac9400ed0712c086dcc2ef4ca92b")

_SBOXES = load("cipher")["sbox"]
SBOXES = {
    ParamSet.TEST: sbox(_SBOXES["TestParamSet"]),
    ParamSet.CRYPTOPRO_A: sbox(_SBOXES["CryptoPro-A"]),
    ParamSet.CRYPTOPRO_B: sbox(_SBOXES["CryptoPro-B"]),
    ParamSet.CRYPTOPRO_C: sbox(_SBOXES["CryptoPro-C"]),
    ParamSet.CRYPTOPRO_D: sbox(_SBOXES["CryptoPro-D"]),
    ParamSet.DIGEST_TEST: sbox(_SBOXES["TestParamSet-3411"]),
    ParamSet.DIGEST: sbox(_SBOXES["CryptoPro-3411"]),
}


def encrypt(param_set: ParamSet, mode: Mode, key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """The ciphertext of a whole stream."""
    ciphertext = b""
    if mode in (Mode.CFB, Mode.GCFB):
        cipher, feedback = Gost28147(key, SBOXES[param_set]), iv
        for at, block in _blocks(plaintext):
            if mode is Mode.GCFB and at and at % MESHED == 0:
                cipher = Gost28147(cipher.decrypt_blocks(MESHING_CONSTANT), SBOXES[param_set])
                feedback = cipher.encrypt_blocks(feedback)
            feedback = _xor(block, cipher.encrypt_blocks(feedback))
            ciphertext += feedback
        return ciphertext
    pads = _pads(Gost28147(key, SBOXES[param_set]), mode, iv)
    return b"".join(_xor(block, next(pads)) for _, block in _blocks(plaintext))


def _pads(cipher: Gost28147, mode: Mode, iv: bytes) -> Iterator[bytes]:
    if mode is Mode.OFB:
        while True:
            iv = cipher.encrypt_blocks(iv)
            yield iv
    if mode is Mode.SIC:
        counter = int.from_bytes(iv, "big")
        while True:
            yield cipher.encrypt_blocks(counter.to_bytes(BLOCK_SIZE, "big"))
            counter = (counter + 1) % 2**64
    n3, n4 = struct.unpack("<II", cipher.encrypt_blocks(iv))
    while True:
        n3, n4 = (n3 + 0x01010101) % 2**32, (n4 + 0x01010104) % 2**32
        yield cipher.encrypt_blocks(struct.pack("<II", n3, n4))


def _blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    return ((at, data[at : at + BLOCK_SIZE]) for at in range(0, len(data), BLOCK_SIZE))


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))
