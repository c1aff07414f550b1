"""Every kernel of the digest, by its name, against published answers and libgcrypt's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.interop.libgcrypt import Libgcrypt
from tests.vectors import load
from tunnel_gateway.gost._native._gost import ffi, lib
from tunnel_gateway.gost.digest import digest as best_digest
from tunnel_gateway.gost.digest import hmac as best_hmac

VECTORS = load("digest")
LIBGCRYPT = Libgcrypt()


def names() -> list[str]:
    found = ffi.new("const char *[]", 8)
    return [ffi.string(name).decode() for name in found[0 : lib.gost_digest_kernels(found, 8)]]


on_each_kernel = pytest.mark.parametrize("kernel", names())


def new(kernel: str) -> Any:
    state = lib.gost_digest_new(kernel.encode())
    assert state != ffi.NULL
    return ffi.gc(state, lib.gost_digest_free)


def end(state: Any) -> bytes:
    out = ffi.new("uint8_t[]", 32)
    assert lib.gost_digest_final(state, out)
    return bytes(ffi.buffer(out))


def digest(kernel: str, data: bytes) -> bytes:
    state = new(kernel)
    lib.gost_digest_update(state, data, len(data))
    out = ffi.new("uint8_t[]", 32)
    assert lib.gost_digest_of(kernel.encode(), data, len(data), out)
    assert end(state) == end(state) == bytes(ffi.buffer(out))
    return end(state)


def hmac(kernel: str, key: bytes, data: bytes) -> bytes:
    out = ffi.new("uint8_t[]", 32)
    assert lib.gost_hmac(kernel.encode(), key, len(key), data, len(data), out)
    return bytes(ffi.buffer(out))


def samples(size: int) -> Iterator[bytes]:
    """Random bytes, and all ones, whose checksum carries from word to word."""
    yield os.urandom(size)
    yield b"\xff" * size


def test_libgcrypt_is_the_last_resort_everywhere() -> None:
    assert names()[-1] == "libgcrypt"


@on_each_kernel
def test_published_answers(kernel: str) -> None:
    for vector in VECTORS["digest"]:
        assert digest(kernel, vector["text"].encode()).hex() == vector["digest"]
    for vector in VECTORS["hmac"]:
        mac = hmac(kernel, vector["key"].encode(), vector["text"].encode())
        assert mac.hex() == vector["mac"]


@on_each_kernel
def test_every_length(kernel: str) -> None:
    for size in (*range(301), 4095, 4096, 4097, 100_000, 1_000_001):
        for data in samples(size):
            assert digest(kernel, data) == LIBGCRYPT.digest(data), (size, data[:1])


@on_each_kernel
def test_macs_of_every_length_of_the_key(kernel: str) -> None:
    # libgcrypt refuses an empty key here.
    for size in range(1, 101):
        for key in samples(size):
            data = os.urandom(3 * size % 131)
            assert hmac(kernel, key, data) == LIBGCRYPT.mac(key, data)
    assert hmac(kernel, b"", b"data") == hmac(kernel, bytes(32), b"data")


@on_each_kernel
@given(
    data=st.binary(max_size=500),
    cuts=st.lists(st.integers(0, 500), max_size=6),
    shift=st.integers(0, 63),
)
@settings(deadline=None)
def test_any_split_from_any_address(kernel: str, data: bytes, cuts: list[int], shift: int) -> None:
    room = ffi.new("uint8_t[]", 64 + len(data))
    ffi.memmove(room + shift, data, len(data))
    state = new(kernel)
    for start, stop in pairwise(sorted([0, *(min(cut, len(data)) for cut in cuts), len(data)])):
        lib.gost_digest_update(state, room + shift + start, stop - start)
    assert end(state) == LIBGCRYPT.digest(data)


@on_each_kernel
@given(st.binary(max_size=100), st.binary(max_size=100), st.binary(max_size=100))
@settings(deadline=None)
def test_a_copy_goes_on_by_itself(kernel: str, head: bytes, one: bytes, other: bytes) -> None:
    state = new(kernel)
    lib.gost_digest_update(state, head, len(head))
    twin = ffi.gc(lib.gost_digest_copy(state), lib.gost_digest_free)
    lib.gost_digest_update(state, one, len(one))
    lib.gost_digest_update(twin, other, len(other))
    assert end(twin) == LIBGCRYPT.digest(head + other)
    assert end(state) == LIBGCRYPT.digest(head + one)


def test_without_a_name_it_is_the_first() -> None:
    key, data = os.urandom(20), os.urandom(200)
    assert best_digest(data) == digest(names()[0], data)
    assert best_hmac(key, data) == hmac(names()[0], key, data)


def test_an_unknown_kernel_is_refused() -> None:
    out = ffi.new("uint8_t[]", 32)
    assert lib.gost_digest_new(b"none") == ffi.NULL
    assert not lib.gost_digest_of(b"none", b"", 0, out)
    assert not lib.gost_hmac(b"none", b"", 0, b"", 0, out)
