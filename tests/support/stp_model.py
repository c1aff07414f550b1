"""The frames and the cipher streams of STP once more, one block at a time.

Slow, plain and on its own: of the package it has only the block cipher and the checksum. The tests
compare it with recordings, and then the package with it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from tests.vectors import load, sbox
from tunnel_gateway.gost.cipher import BLOCK_SIZE, Gost28147
from tunnel_gateway.gost.crc32c import crc32c
from tunnel_gateway.gost.frames import Buffer

MESHED = 1024
MESHING = bytes.fromhex("6900722264c904238d3adb9646e92ac418feac9400ed0712c086dcc2ef4ca92b")
E_TEST = """
42F59108E3BCD7A6 C9FE813A274D60B5 D8EC739A15246F0B E9B25F710DC6A438
3E59680DAB7C21F4 8F6B19C5D37A0E24 9BC0367548EF1A2D C652B09D3E7AF418"""
_NAMES = ("A", "B", "C", "D")
_KNOWN = load("cipher")["sbox"]
# By the number of the table.
TABLES = [
    sbox(E_TEST),
    *(sbox(_KNOWN[f"CryptoPro-{name}"]) for name in _NAMES),
    sbox(_KNOWN["TestParamSet-3411"]),
    sbox(_KNOWN["CryptoPro-3411"]),
]
CFB, OFB, SIC, GOFB, GCFB = range(5)


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


class ModelStream:
    """One direction; with the interface of the package's streams."""

    def __init__(self, key: bytes, table: int, mode: int, iv: bytes) -> None:
        self._sbox = TABLES[table]
        self._mode = mode
        self._cipher = Gost28147(key, self._sbox)
        self._state = bytes(iv[:BLOCK_SIZE])
        self._counted = 0
        if mode == GOFB:
            self._state = self._encrypt(self._state)

    def encrypt(self, data: Buffer) -> bytes:
        """Return the ciphertext of whole blocks."""
        return self._run(data, lambda _block, out: out)

    def decrypt(self, data: Buffer) -> bytes:
        """Return the plaintext of whole blocks."""
        return self._run(data, lambda block, _out: block)

    def _run(self, data: Buffer, ciphertext_of: Callable[[bytes, bytes], bytes]) -> bytes:
        assert len(data) % BLOCK_SIZE == 0
        result = b""
        for at in range(0, len(data), BLOCK_SIZE):
            block = bytes(data[at : at + BLOCK_SIZE])
            out = _xor(block, self._keystream())
            if self._mode in (CFB, GCFB):
                self._state = ciphertext_of(block, out)
            result += out
        return result

    def _keystream(self) -> bytes:
        """Return the next eight bytes of it."""
        if self._mode == SIC:
            block = self._encrypt(self._state)
            number = int.from_bytes(self._state, "big") + 1
            self._state = (number % 2**64).to_bytes(BLOCK_SIZE, "big")
            return block
        if self._mode == GOFB:
            n3, n4 = struct.unpack("<II", self._state)
            self._state = struct.pack("<II", (n3 + 0x01010101) % 2**32, (n4 + 0x01010104) % 2**32)
            return self._encrypt(self._state)
        if self._mode == GCFB and self._counted and self._counted % MESHED == 0:
            key = self._cipher.decrypt_blocks(MESHING)
            self._cipher = Gost28147(key, self._sbox)
            self._state = self._encrypt(self._state)
        self._counted += BLOCK_SIZE
        block = self._encrypt(self._state)
        if self._mode == OFB:
            self._state = block
        return block

    def _encrypt(self, block: bytes) -> bytes:
        return self._cipher.encrypt_blocks(block)


def frame(counter: int, payload: bytes, padding: bytes | None = None) -> bytes:
    """One frame in clear; ``padding`` in place of its zeros."""
    fields = struct.pack(">III", counter, len(payload) // 8, len(payload) % 8)
    checksum = struct.pack(">I", crc32c(fields))
    return fields + checksum + payload + (bytes(-len(payload) % 8) if padding is None else padding)
