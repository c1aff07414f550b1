"""GOST R 34.11-94 with the CryptoPro S-box, and HMAC and HKDF over it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from tunnel_gateway.gost._native._gost import ffi, lib

DIGEST_SIZE: Final = 32


class Digest:
    """An incremental GOST R 34.11-94 digest (RFC 5831), with the interface of ``hashlib``."""

    __slots__ = ("_state",)

    name = "gostr3411-94-cryptopro"
    digest_size = DIGEST_SIZE
    # The HMAC block of RFC 4357, section 3: as long as the digest.
    block_size = 32

    def __init__(self, data: bytes = b"") -> None:
        self._state = _owned(lib.gost_digest_new(ffi.NULL))
        if data:
            self.update(data)

    def update(self, data: bytes | memoryview) -> None:
        """Add ``data`` of any length."""
        lib.gost_digest_update(self._state, ffi.from_buffer(data), len(data))

    def copy(self) -> Digest:
        """Return a digest that goes on from here on its own."""
        twin = Digest.__new__(Digest)
        twin._state = _owned(lib.gost_digest_copy(self._state))  # noqa: SLF001 (of our own class)
        return twin

    def digest(self) -> bytes:
        """Return the 32 bytes for what was added so far; more may follow."""
        out = ffi.new("uint8_t[]", DIGEST_SIZE)
        if not lib.gost_digest_final(self._state, out):
            raise MemoryError
        return bytes(ffi.buffer(out))

    def hexdigest(self) -> str:
        """Return ``digest()`` in hexadecimal."""
        return self.digest().hex()


def _owned(state: object) -> object:
    if state == ffi.NULL:
        raise MemoryError
    return ffi.gc(state, lib.gost_digest_free)


def digest(data: bytes | memoryview) -> bytes:
    """Return the 32-byte GOST R 34.11-94 digest of ``data``."""
    out = ffi.new("uint8_t[]", DIGEST_SIZE)
    if not lib.gost_digest_of(ffi.NULL, ffi.from_buffer(data), len(data), out):
        raise MemoryError
    return bytes(ffi.buffer(out))


class ForeignDigest(StrEnum):
    """Other digests of 32 bytes, by their names in libgcrypt.

    They tell people which digest they have made instead of ours. Nothing is signed with them.
    """

    TEST_PARAMETERS = "GOSTR3411_94"  # GOST R 34.11-94 with the S-box of the standard's example
    STREEBOG = "STRIBOG256"  # GOST R 34.11-2012


def foreign_digest(kind: ForeignDigest, data: bytes) -> bytes:
    """Return the 32-byte digest of another ``kind`` of ``data``."""
    out = ffi.new("uint8_t[]", DIGEST_SIZE)
    if not lib.gost_digest_foreign(kind.encode(), data, len(data), out):
        raise MemoryError
    return bytes(ffi.buffer(out))


def hmac(key: bytes, data: bytes) -> bytes:
    """Return the 32-byte HMAC_GOSTR3411 of RFC 4357, section 3."""
    out = ffi.new("uint8_t[]", DIGEST_SIZE)
    if not lib.gost_hmac(ffi.NULL, key, len(key), data, len(data), out):
        raise MemoryError
    return bytes(ffi.buffer(out))


def hkdf_extract(salt: bytes, input_key: bytes) -> bytes:
    """Return the 32-byte pseudo-random key of RFC 5869, section 2.2."""
    return hmac(salt, input_key)


def hkdf_expand(pseudo_random_key: bytes, info: bytes, length: int) -> bytes:
    """Return ``length`` bytes of key material (RFC 5869, section 2.3).

    Raises ValueError over 255 blocks of 32 bytes.
    """
    if length > 255 * DIGEST_SIZE:
        raise ValueError("HKDF gives at most 8160 bytes")
    material = block = b""
    while len(material) < length:
        counter = bytes([len(material) // DIGEST_SIZE + 1])
        block = hmac(pseudo_random_key, block + info + counter)
        material += block
    return material[:length]
