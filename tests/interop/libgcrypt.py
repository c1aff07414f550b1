"""libgcrypt, which the extension uses for digests only, and not where a kernel of its own runs:
digests, MACs, signatures (as S-expressions) and block ciphers. The extension has set the library
up; it is the same one in the process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cffi import FFI

import tunnel_gateway.gost._native  # noqa: F401

ffi = FFI()
ffi.cdef(
    """
    typedef void *handle;
    void gcry_md_hash_buffer(int algorithm, void *, const void *, size_t);
    unsigned gcry_cipher_open(handle *, int algorithm, int mode, unsigned flags);
    void gcry_cipher_close(handle);
    unsigned gcry_cipher_setkey(handle, const void *, size_t);
    unsigned gcry_cipher_setiv(handle, const void *, size_t);
    unsigned gcry_cipher_setctr(handle, const void *, size_t);
    unsigned gcry_cipher_ctl(handle, int command, const void *, size_t);
    unsigned gcry_cipher_encrypt(handle, void *, size_t, const void *, size_t);
    unsigned gcry_mac_open(handle *, int algorithm, unsigned flags, void *);
    void gcry_mac_close(handle);
    unsigned gcry_mac_setkey(handle, const void *, size_t);
    unsigned gcry_mac_write(handle, const void *, size_t);
    unsigned gcry_mac_read(handle, void *, size_t *);
    unsigned gcry_sexp_new(handle *, const void *, size_t, int autodetect);
    void gcry_sexp_release(handle);
    handle gcry_sexp_find_token(handle, const char *, size_t);
    const char *gcry_sexp_nth_data(handle, int, size_t *);
    unsigned gcry_pk_sign(handle *, handle data, handle key);
    unsigned gcry_pk_verify(handle signature, handle data, handle key);
    """
)

# Numbers of gcrypt.h.
CIPHER_GOST28147: Final = 315
CIPHER_GOST28147_MESH: Final = 317
CIPHER_MODE_ECB: Final = 1
CIPHER_MODE_CFB: Final = 2
CIPHER_MODE_OFB: Final = 5
CIPHER_MODE_CTR: Final = 6
CTL_SET_SBOX: Final = 73
MAC_HMAC_GOSTR3411_CP: Final = 119
MD_GOSTR3411_CP: Final = 311


class Libgcrypt:
    """Raises OSError where libgcrypt does not, RuntimeError with its error number otherwise."""

    def __init__(self) -> None:
        self._lib: Any = ffi.dlopen("libgcrypt.so.20")

    def digest(self, data: bytes) -> bytes:
        """GOST R 34.11-94 with the CryptoPro S-box."""
        out = ffi.new("char[]", 32)
        self._lib.gcry_md_hash_buffer(MD_GOSTR3411_CP, out, data, len(data))
        return bytes(ffi.buffer(out))

    def mac(self, key: bytes, data: bytes) -> bytes:
        """HMAC of GOST R 34.11-94 with the CryptoPro S-box."""
        mac = self._open(self._lib.gcry_mac_open, MAC_HMAC_GOSTR3411_CP, 0, ffi.NULL)
        try:
            _check(self._lib.gcry_mac_setkey(mac, key, len(key)))
            _check(self._lib.gcry_mac_write(mac, data, len(data)))
            out, size = ffi.new("char[]", 32), ffi.new("size_t *", 32)
            _check(self._lib.gcry_mac_read(mac, out, size))
            return bytes(ffi.buffer(out, size[0]))
        finally:
            self._lib.gcry_mac_close(mac)

    def encrypt(self, sbox_oid: str, key: bytes, data: bytes) -> bytes:
        """GOST 28147-89, each block on its own."""
        return self._encrypt((CIPHER_GOST28147, CIPHER_MODE_ECB), sbox_oid, key, b"", data)

    def encrypt_stream(
        self, mode: int, sbox_oid: str, key: bytes, iv: bytes, data: bytes, *, mesh: bool = False
    ) -> bytes:
        """GOST 28147-89 in a mode that has an IV or a counter, with key meshing or without."""
        algorithm = CIPHER_GOST28147_MESH if mesh else CIPHER_GOST28147
        return self._encrypt((algorithm, mode), sbox_oid, key, iv, data)

    def _encrypt(
        self, cipher: tuple[int, int], sbox_oid: str, key: bytes, iv: bytes, data: bytes
    ) -> bytes:
        algorithm, mode = cipher
        handle = self._open(self._lib.gcry_cipher_open, algorithm, mode, 0)
        try:
            oid = sbox_oid.encode() + b"\0"
            _check(self._lib.gcry_cipher_ctl(handle, CTL_SET_SBOX, oid, len(oid)))
            _check(self._lib.gcry_cipher_setkey(handle, key, len(key)))
            if mode == CIPHER_MODE_CTR:
                _check(self._lib.gcry_cipher_setctr(handle, iv, len(iv)))
            elif iv:
                _check(self._lib.gcry_cipher_setiv(handle, iv, len(iv)))
            out = ffi.new("char[]", len(data))
            _check(self._lib.gcry_cipher_encrypt(handle, out, len(data), data, len(data)))
            return bytes(ffi.buffer(out))
        finally:
            self._lib.gcry_cipher_close(handle)

    def sign(self, curve: str, point: bytes, d: bytes, number: bytes) -> bytes:
        """s then r. ``point`` is x then y and ``number`` the digest, all big-endian."""
        key = self._expression(
            f"(private-key (ecc (curve {curve}) (q #04{point.hex()}#) (d #{d.hex()}#)))"
        )
        data = self._expression(f"(data (flags gost) (value #{number.hex()}#))")
        signature = self._open(self._lib.gcry_pk_sign, data, key)
        s, r = (self._number(signature, name) for name in (b"s", b"r"))
        for expression in (key, data, signature):
            self._lib.gcry_sexp_release(expression)
        return s + r

    def accepts(self, curve: str, point: bytes, number: bytes, signature: bytes) -> bool:
        """Whether the signature, s then r, is right."""
        key = self._expression(f"(public-key (ecc (curve {curve}) (q #04{point.hex()}#)))")
        data = self._expression(f"(data (flags gost) (value #{number.hex()}#))")
        s, r = signature[:32].hex(), signature[32:].hex()
        value = self._expression(f"(sig-val (gost (r #{r}#) (s #{s}#)))")
        refusal = self._lib.gcry_pk_verify(value, data, key)
        for expression in (key, data, value):
            self._lib.gcry_sexp_release(expression)
        return not refusal

    def _open(self, function: Callable[..., int], *arguments: object) -> Any:
        opened = ffi.new("handle *")
        _check(function(opened, *arguments))
        return opened[0]

    def _expression(self, text: str) -> Any:
        return self._open(self._lib.gcry_sexp_new, text.encode(), len(text), 1)

    def _number(self, expression: Any, name: bytes) -> bytes:
        part, size = self._lib.gcry_sexp_find_token(expression, name, 0), ffi.new("size_t *")
        data = self._lib.gcry_sexp_nth_data(part, 1, size)
        number = bytes(ffi.buffer(data, size[0])).lstrip(b"\0").rjust(32, b"\0")
        self._lib.gcry_sexp_release(part)
        return number


def _check(error: int) -> None:
    if error:
        raise RuntimeError(f"libgcrypt error {error & 0xFFFF}")
