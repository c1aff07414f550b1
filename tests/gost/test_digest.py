"""GOST R 34.11-94, and HMAC and HKDF over it."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectors import load
from tunnel_gateway.gost import digest as module
from tunnel_gateway.gost._native._gost import ffi
from tunnel_gateway.gost.digest import (
    Digest,
    ForeignDigest,
    digest,
    foreign_digest,
    hkdf_expand,
    hkdf_extract,
    hmac,
)

VECTORS = load("digest")


@pytest.mark.parametrize("vector", VECTORS["digest"], ids=lambda vector: vector["text"][:20])
def test_published_digests(vector: dict[str, str]) -> None:
    text = vector["text"].encode()
    assert digest(text).hex() == vector["digest"]
    assert Digest(text).hexdigest() == vector["digest"]


@pytest.mark.parametrize("vector", VECTORS["hmac"], ids=lambda vector: vector["text"][:20])
def test_published_macs(vector: dict[str, str]) -> None:
    assert hmac(vector["key"].encode(), vector["text"].encode()).hex() == vector["mac"]


def pbkdf2(password: bytes, salt: bytes, iterations: int, length: int) -> bytes:
    """RFC 8018, section 5.2."""
    key = b""
    for index in range(1, -(-length // 32) + 1):
        block = hmac(password, salt + index.to_bytes(4, "big"))
        total = int.from_bytes(block, "big")
        for _ in range(iterations - 1):
            block = hmac(password, block)
            total ^= int.from_bytes(block, "big")
        key += total.to_bytes(32, "big")
    return key[:length]


@pytest.mark.parametrize("vector", VECTORS["pbkdf2"], ids=lambda vector: vector["key"][:8])
def test_published_keys_from_passwords(vector: dict[str, str | int]) -> None:
    password, salt = str(vector["password"]).encode(), str(vector["salt"]).encode()
    key = bytes.fromhex(str(vector["key"]))
    assert pbkdf2(password, salt, int(vector["iterations"]), len(key)) == key


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
@settings(deadline=None)
def test_the_split_of_the_updates_does_not_matter(data: bytes, cuts: list[int]) -> None:
    state = Digest()
    for start, end in pairwise(sorted([0, *(min(cut, len(data)) for cut in cuts), len(data)])):
        state.update(data[start:end])
    assert state.digest() == digest(data)


def test_every_length_has_its_own_digest() -> None:
    assert len({digest(bytes(length)) for length in range(200)}) == 200


def test_a_copy_goes_on_by_itself() -> None:
    original = Digest(b"abc")
    twin = original.copy()
    original.update(b"d")
    twin.update(b"e")
    assert original.digest() == digest(b"abcd")
    assert twin.digest() == digest(b"abce")
    assert Digest(b"abc").copy().digest() == digest(b"abc")


def test_more_may_follow_a_digest() -> None:
    state = Digest(b"a")
    assert state.digest() == state.digest() == digest(b"a")
    state.update(b"bc")
    assert state.digest() == digest(b"abc")


def test_views_and_buffers_are_data_too() -> None:
    state = Digest()
    state.update(memoryview(b"xabcx")[1:4])
    state.update(bytearray(b"def"))
    assert state.digest() == digest(b"abcdef")


def test_no_memory_is_an_error() -> None:
    with pytest.raises(MemoryError):
        module._owned(ffi.NULL)


@pytest.mark.parametrize("vector", VECTORS["foreign"], ids=lambda vector: vector["name"])
def test_published_digests_of_others(vector: dict[str, str]) -> None:
    kind, text = ForeignDigest[vector["name"]], vector["text"].encode()
    assert foreign_digest(kind, text).hex() == vector["digest"]


def test_text_is_refused() -> None:
    with pytest.raises(TypeError):
        digest("text")  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 100])
def test_the_mac_is_rfc_2104_with_blocks_of_32_bytes(size: int) -> None:
    key = bytes(range(size))
    block = (digest(key) if size > 32 else key).ljust(32, b"\0")
    inner = digest(bytes(byte ^ 0x36 for byte in block) + b"message")
    assert hmac(key, b"message") == digest(bytes(byte ^ 0x5C for byte in block) + inner)


@pytest.mark.parametrize("vector", VECTORS["hkdf"])
def test_hkdf_as_openssl_computes_it(vector: dict[str, str]) -> None:
    output = bytes.fromhex(vector["output"])
    pseudo_random_key = hkdf_extract(vector["salt"].encode(), vector["input_key"].encode())
    assert hkdf_expand(pseudo_random_key, vector["info"].encode(), len(output)) == output


def test_hkdf_output_is_a_chain_of_macs() -> None:
    first = hmac(b"key", b"info\1")
    second = hmac(b"key", first + b"info\2")
    assert hkdf_expand(b"key", b"info", 64) == first + second


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 255 * 32])
def test_hkdf_gives_the_length_asked_for(length: int) -> None:
    material = hkdf_expand(b"key", b"info", length)
    assert len(material) == length
    assert hkdf_expand(b"key", b"info", 255 * 32).startswith(material)


def test_hkdf_has_an_end() -> None:
    with pytest.raises(ValueError, match="8160"):
        hkdf_expand(b"key", b"info", 255 * 32 + 1)


def test_hkdf_separates_keys_salts_and_purposes() -> None:
    assert hkdf_extract(b"salt", b"key") != hkdf_extract(b"tlas", b"key")
    assert hkdf_extract(b"salt", b"key") != hkdf_extract(b"salt", b"yek")
    assert hkdf_expand(b"key", b"one", 32) != hkdf_expand(b"key", b"two", 32)


def test_libgcrypt_is_set_up_even_when_only_digests_are_used() -> None:
    # In a process of its own: here, other tests have used the curves before.
    # 39 is GCRYCTL_INITIALIZATION_FINISHED_P of gcrypt.h.
    program = (
        "import ctypes, sys\n"
        "import tunnel_gateway.gost.digest\n"
        "sys.exit(not ctypes.CDLL('libgcrypt.so.20').gcry_control(39, 0))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
