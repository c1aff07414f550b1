"""GOST 28147-89 as a stream of whole blocks: five modes, seven S-boxes (RFC 5830, RFC 4357).

There is no MAC in any of them: who alters the ciphertext alters the text. Our own records are in
MGM (``gost/frames.py``), which has one; these are for protocols that others have made.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from tunnel_gateway.gost._native._gost import ffi, lib
from tunnel_gateway.gost.cipher import BLOCK_SIZE, KEY_SIZE, native_kernel
from tunnel_gateway.gost.frames import Buffer

IV_SIZE: Final = 8


class ParamSet(IntEnum):
    """The S-boxes of RFC 4357, section 11, and of RFC 5831, section 7.1.

    ``DIGEST_TEST`` is id-GostR3411-94-TestParamSet and ``DIGEST`` the CryptoProParamSet there; the
    others are id-Gost28147-89-TestParamSet and -CryptoPro-A-ParamSet to -D-ParamSet.
    """

    TEST = lib.SBOX_TEST
    CRYPTOPRO_A = lib.SBOX_A
    CRYPTOPRO_B = lib.SBOX_B
    CRYPTOPRO_C = lib.SBOX_C
    CRYPTOPRO_D = lib.SBOX_D
    DIGEST_TEST = lib.SBOX_DIGEST_TEST
    DIGEST = lib.SBOX_DIGEST


class Mode(IntEnum):
    """The blocks whose encryption is the key stream.

    ``CFB``: the ciphertext before (RFC 5830, section 7). ``OFB``: the key stream before. ``SIC``: a
    counter, first the IV, that is a big-endian number and goes up by one. ``GOFB``: the counter of
    RFC 5830, section 6, without the carry that comes back: both its halves count modulo 2^32.
    ``GCFB``: as ``CFB``, with the key meshing of RFC 4357, section 2.3.2, every 1024 bytes.
    """

    CFB = lib.STREAM_CFB
    OFB = lib.STREAM_OFB
    SIC = lib.STREAM_SIC
    GOFB = lib.STREAM_GOFB
    GCFB = lib.STREAM_GCFB


class Stream:
    """One direction under one key, from its first block on.

    ``key`` has 32 bytes and ``iv`` 8. ``kernel`` is as in ``MagmaMGM``. A stream either encrypts or
    decrypts, always whole blocks of 8 bytes. Raises ValueError for other sizes.
    """

    __slots__ = ("_stream",)

    def __init__(
        self, param_set: ParamSet, mode: Mode, key: Buffer, iv: Buffer, *, kernel: str | None = None
    ) -> None:
        if len(key) != KEY_SIZE or len(iv) != IV_SIZE:
            raise ValueError("the key has 32 bytes and the IV has 8")
        stream = lib.gost_stream_new(
            native_kernel(kernel),
            ParamSet(param_set),
            Mode(mode),
            ffi.from_buffer(key),
            ffi.from_buffer(iv),
        )
        if stream == ffi.NULL:
            raise MemoryError
        self._stream = ffi.gc(stream, lib.gost_stream_free)

    def __repr__(self) -> str:
        return "Stream(secret)"

    def place(self) -> bytes:
        """Return where the stream stands, with its key: for the C of this machine to go on."""
        place = bytearray(lib.STREAM_PLACE_SIZE)
        lib.gost_stream_save(self._stream, ffi.from_buffer(place))
        return bytes(place)

    def encrypt(self, data: Buffer) -> bytearray:
        """Return the ciphertext, as long as ``data``."""
        return self._crypt(lib.gost_stream_encrypt, data)

    def decrypt(self, data: Buffer) -> bytearray:
        """Return the text, as long as ``data``."""
        return self._crypt(lib.gost_stream_decrypt, data)

    def encrypt_in_place(self, data: bytearray | memoryview) -> None:
        """Put the ciphertext where the text is."""
        self._crypt_in_place(lib.gost_stream_encrypt, data)

    def decrypt_in_place(self, data: bytearray | memoryview) -> None:
        """Put the text where the ciphertext is."""
        self._crypt_in_place(lib.gost_stream_decrypt, data)

    def _crypt(self, function: Any, data: Buffer) -> bytearray:
        source = ffi.from_buffer(data)
        blocks, out = _blocks(len(source)), bytearray(len(source))
        function(self._stream, source, ffi.from_buffer(out), blocks)
        return out

    def _crypt_in_place(self, function: Any, data: bytearray | memoryview) -> None:
        memory = ffi.from_buffer(data, require_writable=True)
        function(self._stream, memory, memory, _blocks(len(memory)))


def _blocks(size: int) -> int:
    if size % BLOCK_SIZE:
        raise ValueError("the data is not whole blocks of 8 bytes")
    return size // BLOCK_SIZE
