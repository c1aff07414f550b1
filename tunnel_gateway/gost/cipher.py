"""GOST 28147-89 (RFC 5830) and Magma in MGM (RFC 8891, RFC 9058)."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag

from tunnel_gateway.gost._native._gost import ffi, lib

KEY_SIZE: Final = 32
BLOCK_SIZE: Final = 8
NONCE_SIZE: Final = 8
TAG_SIZE: Final = 8

# RFC 9058, section 4: text and associated data together hold less than 2^32 bits here,
# because their bit lengths share one 64-bit block. They are not both empty either: the tag
# would be the same under every nonce.
MAX_INPUT_SIZE: Final = 2**29 - 1


def kernel_names() -> tuple[str, ...]:
    """Return the kernels for MGM that this processor can run, the best first."""
    names = ffi.new("const char *[8]")
    return tuple(ffi.string(name).decode() for name in names[0 : lib.kernel_names(names, 8)])


def native_kernel(kernel: str | None) -> object:
    """Return the name as the C side takes it; raises ValueError for an unknown kernel."""
    if kernel is None:
        return ffi.NULL
    if kernel not in kernel_names():
        raise ValueError(f"this processor has no kernel {kernel!r}, only {kernel_names()}")
    return kernel.encode()


class Gost28147:
    """The block cipher with any S-box, in its own (little-endian) byte order, block by block.

    ``key`` has 32 bytes; ``sbox`` has eight rows of sixteen numbers below 16, the row for the
    lowest four bits first. Raises ValueError for other shapes.
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes, sbox: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise ValueError("the key has 32 bytes")
        if len(sbox) != 128 or max(sbox) > 15:
            raise ValueError("the S-box has 128 numbers below 16")
        self._cipher = _owned(lib.gost28147_new(key, sbox), lib.gost28147_free)

    def encrypt_blocks(self, data: bytes) -> bytes:
        """Encrypt whole blocks of 8 bytes, each on its own; ValueError for a part of one."""
        return self._crypt(lib.gost28147_encrypt_blocks, data)

    def decrypt_blocks(self, data: bytes) -> bytes:
        """Decrypt whole blocks of 8 bytes, each on its own; ValueError for a part of one."""
        return self._crypt(lib.gost28147_decrypt_blocks, data)

    def _crypt(self, function: object, data: bytes) -> bytes:
        if len(data) % BLOCK_SIZE:
            raise ValueError("the data is not whole blocks of 8 bytes")
        out = ffi.new("uint8_t[]", len(data))
        function(self._cipher, ffi.from_buffer(data), len(data) // BLOCK_SIZE, out)  # type: ignore[operator]
        return bytes(ffi.buffer(out))


class MagmaMGM:
    """An AEAD with a 64-bit tag, with the interface of ``cryptography``'s AEAD classes.

    ``key`` has 32 bytes. A nonce has 8 bytes with the top bit clear (RFC 9058 calls the other
    63 bits the initial counter nonce) and is used once under a key. ``kernel`` is one of
    ``kernel_names()``; without it, the first of them. Raises ValueError for others.
    """

    __slots__ = ("_mgm",)

    def __init__(self, key: bytes, *, kernel: str | None = None) -> None:
        if len(key) != KEY_SIZE:
            raise ValueError("the key has 32 bytes")
        self._mgm = _owned(lib.magma_mgm_new(native_kernel(kernel), key), lib.magma_mgm_free)

    def __repr__(self) -> str:
        return "MagmaMGM(secret)"

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return the ciphertext, as long as ``data``, and the 8-byte tag after it.

        Raises ValueError for a nonce of another form and when there is neither data nor
        associated data, OverflowError over 2^29 - 1 bytes of both.
        """
        associated = associated_data or b""
        _check(nonce, len(data), len(associated))
        if not len(data) + len(associated):
            raise ValueError("there is nothing to protect")
        out = bytearray(len(data) + TAG_SIZE)
        sealed = ffi.from_buffer(out)
        lib.magma_mgm_seal(
            self._mgm,
            nonce,
            ffi.from_buffer(associated),
            len(associated),
            ffi.from_buffer(data),
            len(data),
            sealed,
            sealed + len(data),
        )
        return bytes(out)

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return the plaintext of a ciphertext and its tag.

        Raises cryptography's InvalidTag if any bit of the input is not what was encrypted,
        ValueError for a nonce of another form, OverflowError as ``encrypt`` does.
        """
        associated = associated_data or b""
        size = len(data) - TAG_SIZE
        if size < 0 or not size + len(associated):
            raise InvalidTag
        _check(nonce, size, len(associated))
        out = bytearray(size)
        sealed = ffi.from_buffer(data)
        if not lib.magma_mgm_open(
            self._mgm,
            nonce,
            ffi.from_buffer(associated),
            len(associated),
            sealed,
            size,
            sealed + size,
            ffi.from_buffer(out),
        ):
            raise InvalidTag
        return bytes(out)

    def encrypt_block(self, block: bytes) -> bytes:
        """Encrypt one 8-byte block with Magma alone: for known answers, not for data."""
        if len(block) != BLOCK_SIZE:
            raise ValueError("a block has 8 bytes")
        out = ffi.new("uint8_t[]", BLOCK_SIZE)
        lib.magma_encrypt_block(self._mgm, block, out)
        return bytes(ffi.buffer(out))


def _owned(state: object, free: object) -> object:
    if state == ffi.NULL:
        raise MemoryError
    return ffi.gc(state, free)


def _check(nonce: bytes, size: int, associated_size: int) -> None:
    if len(nonce) != NONCE_SIZE or nonce[0] > 0x7F:
        raise ValueError("the nonce has 8 bytes and its top bit is clear")
    if size + associated_size > MAX_INPUT_SIZE:
        raise OverflowError("one message holds at most 2^29 - 1 bytes")
