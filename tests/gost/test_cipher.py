"""GOST 28147-89 block by block, and Magma in MGM."""

from __future__ import annotations

import os
from hashlib import shake_128
from mmap import mmap
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import reference_mgm
from tests.vectors import load, sbox
from tunnel_gateway.gost import cipher
from tunnel_gateway.gost._native._gost import ffi, lib
from tunnel_gateway.gost.cipher import Gost28147, MagmaMGM, kernel_names

VECTORS = load("cipher")
SBOXES = {name: sbox(digits) for name, digits in VECTORS["sbox"].items()}
KEY = bytes(range(32))
NONCE = bytes(range(8))

on_each_mgm_vector = pytest.mark.parametrize("vector", VECTORS["mgm"], ids=["example 1", "2"])


def mixed(size: int, salt: object = "") -> bytes:
    """Bytes that look like any other, and are the same in every run."""
    return shake_128(str(salt).encode()).digest(size)


def unhex(vector: dict[str, str], *names: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(vector[name]) for name in names)


# --- GOST 28147-89


@pytest.mark.parametrize("vector", VECTORS["gost28147"], ids=lambda vector: vector["ciphertext"])
def test_published_blocks(vector: dict[str, str]) -> None:
    key, plaintext, ciphertext = unhex(vector, "key", "plaintext", "ciphertext")
    block_cipher = Gost28147(key, SBOXES[vector["sbox"]])
    assert block_cipher.encrypt_blocks(plaintext) == ciphertext
    assert block_cipher.decrypt_blocks(ciphertext) == plaintext


@given(key=st.binary(min_size=32, max_size=32), blocks=st.integers(0, 9), data=st.data())
@settings(deadline=None)
def test_blocks_come_back(key: bytes, blocks: int, data: st.DataObject) -> None:
    plaintext = data.draw(st.binary(min_size=8 * blocks, max_size=8 * blocks))
    for box in SBOXES.values():
        block_cipher = Gost28147(key, box)
        ciphertext = block_cipher.encrypt_blocks(plaintext)
        assert block_cipher.decrypt_blocks(ciphertext) == plaintext
        one_by_one = [
            block_cipher.encrypt_blocks(plaintext[i : i + 8]) for i in range(0, len(plaintext), 8)
        ]
        assert b"".join(one_by_one) == ciphertext


@pytest.mark.parametrize("size", [1, 7, 9, 15])
def test_parts_of_a_block_are_refused(size: int) -> None:
    block_cipher = Gost28147(KEY, SBOXES["TC26-Z"])
    with pytest.raises(ValueError, match="whole blocks"):
        block_cipher.encrypt_blocks(bytes(size))
    with pytest.raises(ValueError, match="whole blocks"):
        block_cipher.decrypt_blocks(bytes(size))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_of_another_length_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Gost28147(bytes(size), SBOXES["TC26-Z"])
    with pytest.raises(ValueError, match="32 bytes"):
        MagmaMGM(bytes(size))


@pytest.mark.parametrize("box", [b"", bytes(127), bytes(129), bytes(127) + b"\x10"])
def test_sboxes_of_another_shape_are_refused(box: bytes) -> None:
    with pytest.raises(ValueError, match="S-box"):
        Gost28147(KEY, box)


# --- Magma


def old_order(data: bytes, word: int) -> bytes:
    """Each word of so many bytes turned round: from Magma's byte order to GOST 28147-89's."""
    return b"".join(data[i : i + word][::-1] for i in range(0, len(data), word))


@pytest.mark.parametrize("vector", VECTORS["magma"])
def test_published_magma_blocks(vector: dict[str, str]) -> None:
    key, plaintext, ciphertext = unhex(vector, "key", "plaintext", "ciphertext")
    assert MagmaMGM(key).encrypt_block(plaintext) == ciphertext


def test_magma_is_gost_28147_89_in_the_other_byte_order() -> None:
    for salt in range(50):
        key, block = mixed(32, salt), mixed(8, salt)
        old = Gost28147(old_order(key, 4), SBOXES["TC26-Z"]).encrypt_blocks(block[::-1])
        assert MagmaMGM(key).encrypt_block(block) == old[::-1]


@pytest.mark.parametrize("size", [0, 7, 9, 16])
def test_blocks_of_another_length_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        MagmaMGM(KEY).encrypt_block(bytes(size))


# --- MGM


@on_each_mgm_vector
@pytest.mark.parametrize("kernel", kernel_names())
def test_published_messages_by_each_kernel(vector: dict[str, str], kernel: str) -> None:
    names = ("key", "nonce", "plaintext", "associated_data", "ciphertext", "tag")
    key, nonce, plaintext, associated, ciphertext, tag = unhex(vector, *names)
    mgm = MagmaMGM(key, kernel=kernel)
    assert mgm.encrypt(nonce, plaintext, associated) == ciphertext + tag
    assert mgm.decrypt(nonce, ciphertext + tag, associated) == plaintext


def test_an_unknown_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="no kernel 'abacus'"):
        MagmaMGM(KEY, kernel="abacus")


@on_each_mgm_vector
def test_published_messages(vector: dict[str, str]) -> None:
    key, nonce, associated = unhex(vector, "key", "nonce", "associated_data")
    plaintext, ciphertext, tag = unhex(vector, "plaintext", "ciphertext", "tag")
    aead = MagmaMGM(key)
    assert aead.encrypt(nonce, plaintext, associated) == ciphertext + tag
    assert aead.decrypt(nonce, ciphertext + tag, associated) == plaintext


@on_each_mgm_vector
def test_the_reference_gives_the_published_answers(vector: dict[str, str]) -> None:
    key, nonce, associated = unhex(vector, "key", "nonce", "associated_data")
    plaintext, ciphertext, tag = unhex(vector, "plaintext", "ciphertext", "tag")
    block = MagmaMGM(key).encrypt_block
    assert reference_mgm.seal(block, nonce, plaintext, associated) == ciphertext + tag
    assert block(nonce).hex() == vector["first_counter"]
    assert block(bytes([nonce[0] | 0x80]) + nonce[1:]).hex() == vector["first_mask"]
    assert block(bytes.fromhex(vector["sum"])) == tag


@given(
    key=st.binary(min_size=32, max_size=32),
    nonce=st.integers(0, 2**63 - 1),
    plaintext=st.binary(max_size=100),
    associated=st.binary(min_size=1, max_size=40),
)
@settings(deadline=None)
def test_messages_are_sealed_as_the_reference_does(
    key: bytes, nonce: int, plaintext: bytes, associated: bytes
) -> None:
    aead, encoded = MagmaMGM(key), nonce.to_bytes(8, "big")
    sealed = aead.encrypt(encoded, plaintext, associated)
    assert sealed == reference_mgm.seal(aead.encrypt_block, encoded, plaintext, associated)
    assert aead.decrypt(encoded, sealed, associated) == plaintext


def test_every_length_is_sealed_as_the_reference_does() -> None:
    aead = MagmaMGM(KEY)
    data = mixed(70)
    for size in range(71):
        for associated_size in range(18):
            if not size + associated_size:
                continue
            plaintext, associated = data[:size], data[:associated_size]
            sealed = aead.encrypt(NONCE, plaintext, associated)
            assert len(sealed) == size + 8
            assert aead.decrypt(NONCE, sealed, associated) == plaintext
            if associated_size in {0, 5, 17}:
                expected = reference_mgm.seal(aead.encrypt_block, NONCE, plaintext, associated)
                assert sealed == expected, (size, associated_size)


def nonce_that_encrypts_to(key: bytes, block: int, *, top_bit: bool) -> bytes | None:
    """The nonce whose first counter (or first mask, with the top bit set) is ``block``."""
    magma = Gost28147(old_order(key, 4), SBOXES["TC26-Z"])
    nonce = magma.decrypt_blocks(block.to_bytes(8, "little"))[::-1]
    if (nonce[0] > 0x7F) is not top_bit:
        return None
    return bytes([nonce[0] & 0x7F]) + nonce[1:]


@pytest.mark.parametrize("before", [0, 1, 3, 4, 5, 30])
def test_the_counter_wraps_within_its_right_half(before: int) -> None:
    """So many blocks before the end of the right half; the left half is not carried into."""
    aead, wrapped, plaintext = MagmaMGM(KEY), 0, mixed(8 * 40 + 3)
    for left in range(0xFFFFFFF8, 0x100000000):
        counter = left << 32 | 0xFFFFFFFF - before
        nonce = nonce_that_encrypts_to(KEY, counter, top_bit=False)
        if nonce is None:
            continue
        assert int.from_bytes(aead.encrypt_block(nonce), "big") == counter
        sealed = aead.encrypt(nonce, plaintext, b"head")
        assert sealed == reference_mgm.seal(aead.encrypt_block, nonce, plaintext, b"head")
        carried = (counter + before + 1) % 2**64
        stream = int.from_bytes(plaintext, "big") ^ int.from_bytes(sealed[:-8], "big")
        assert aead.encrypt_block(carried.to_bytes(8, "big")) not in stream.to_bytes(
            len(plaintext), "big"
        )
        wrapped += 1
    assert wrapped, "half of all nonces should do"


@pytest.mark.parametrize("before", [0, 1, 3, 4, 5, 30])
def test_the_mask_counter_wraps_within_its_left_half(before: int) -> None:
    aead, wrapped, plaintext = MagmaMGM(KEY), 0, mixed(8 * 40 + 3)
    for right in range(0xFFFFFFF8, 0x100000000):
        mask = 0xFFFFFFFF - before << 32 | right
        nonce = nonce_that_encrypts_to(KEY, mask, top_bit=True)
        if nonce is None:
            continue
        sealed = aead.encrypt(nonce, plaintext, b"head")
        assert sealed == reference_mgm.seal(aead.encrypt_block, nonce, plaintext, b"head")
        wrapped += 1
    assert wrapped, "half of all nonces should do"


@pytest.mark.parametrize(("size", "associated_size"), [(0, 9), (1, 0), (19, 13), (64, 5)])
def test_every_bit_counts(size: int, associated_size: int) -> None:
    aead, associated = MagmaMGM(KEY), mixed(associated_size)
    sealed = aead.encrypt(NONCE, mixed(size), associated)
    inputs = {"nonce": NONCE, "sealed": sealed, "associated": associated}
    for name, value in inputs.items():
        for bit in range(8 * len(value)):
            altered = bytearray(value)
            altered[bit // 8] ^= 0x80 >> bit % 8
            if name == "nonce" and bit == 0:
                continue  # not a nonce at all
            changed = inputs | {name: bytes(altered)}
            with pytest.raises(InvalidTag):
                aead.decrypt(changed["nonce"], changed["sealed"], changed["associated"])


def test_moved_and_missing_bytes_are_noticed() -> None:
    aead = MagmaMGM(KEY)
    sealed = aead.encrypt(NONCE, b"0123456789", b"abcdef")
    for altered, associated in [
        (sealed[:-1], b"abcdef"),
        (sealed[1:], b"abcdef"),
        (sealed + b"\0", b"abcdef"),
        (b"\0" + sealed, b"abcdef"),
        (sealed[-8:], b"abcdef"),
        (sealed, b""),
        (sealed, b"abcde"),
        (sealed, b"abcdef\0"),
        (b"f" + sealed, b"abcde"),
        (sealed[1:], b"abcdef" + sealed[:1]),
    ]:
        with pytest.raises(InvalidTag):
            aead.decrypt(NONCE, altered, associated)


def test_zeros_at_the_end_are_noticed() -> None:
    """The last block is padded with zeros; only the length block tells."""
    aead = MagmaMGM(KEY)
    tags = {aead.encrypt(NONCE, b"", b"a" + bytes(size)) for size in range(7)}
    assert len(tags) == 7


@pytest.mark.parametrize("size", range(8))
def test_what_is_shorter_than_a_tag_is_refused(size: int) -> None:
    with pytest.raises(InvalidTag):
        MagmaMGM(KEY).decrypt(NONCE, bytes(size), b"head")


def test_another_key_does_not_open() -> None:
    sealed = MagmaMGM(KEY).encrypt(NONCE, b"text", b"head")
    with pytest.raises(InvalidTag):
        MagmaMGM(KEY[::-1]).decrypt(NONCE, sealed, b"head")


@pytest.mark.parametrize("nonce", [b"", bytes(7), bytes(9), b"\x80" + bytes(7), b"\xff" * 8])
def test_what_is_not_a_nonce_is_refused(nonce: bytes) -> None:
    aead = MagmaMGM(KEY)
    with pytest.raises(ValueError, match="nonce"):
        aead.encrypt(nonce, b"text", b"head")
    with pytest.raises(ValueError, match="nonce"):
        aead.decrypt(nonce, bytes(16), b"head")


def test_no_associated_data_is_empty_associated_data() -> None:
    aead = MagmaMGM(KEY)
    sealed = aead.encrypt(NONCE, b"text", None)
    assert sealed == aead.encrypt(NONCE, b"text", b"")
    assert aead.decrypt(NONCE, sealed, None) == b"text"


@pytest.mark.parametrize("associated", [None, b""])
def test_nothing_at_all_is_refused(associated: bytes | None) -> None:
    """RFC 9058, section 4. The sum would be zero, and so the tag would fit every nonce."""
    aead = MagmaMGM(KEY)
    with pytest.raises(ValueError, match="nothing"):
        aead.encrypt(NONCE, b"", associated)
    with pytest.raises(InvalidTag):
        aead.decrypt(NONCE, aead.encrypt_block(bytes(8)), associated)


def test_oversize_input_is_refused() -> None:
    """Mapped memory that no one touches takes no room."""
    aead = MagmaMGM(KEY)
    with mmap(-1, 2**29) as half, mmap(-1, 2**29 + 8) as sealed:
        large: Any = half
        for data, associated in ((large, b""), (b"", large), (large, b"x")):
            with pytest.raises(OverflowError):
                aead.encrypt(NONCE, data, associated)
        large = sealed
        for associated in (b"", b"x"):
            with pytest.raises(OverflowError):
                aead.decrypt(NONCE, large, associated)


def test_the_limit_is_that_of_the_length_block() -> None:
    assert cipher.MAX_INPUT_SIZE * 8 < 2**32 <= (cipher.MAX_INPUT_SIZE + 1) * 8
    cipher._check(NONCE, cipher.MAX_INPUT_SIZE, 0)
    cipher._check(NONCE, 1, cipher.MAX_INPUT_SIZE - 1)
    with pytest.raises(OverflowError):
        cipher._check(NONCE, 1, cipher.MAX_INPUT_SIZE)


def test_views_and_buffers_are_data_too() -> None:
    aead, text = MagmaMGM(KEY), os.urandom(20)
    sealed = aead.encrypt(NONCE, text, b"head")
    view: Any = memoryview(bytearray(text))
    head: Any = bytearray(b"head")
    assert aead.encrypt(NONCE, view, head) == sealed
    view = memoryview(b"x" + sealed)[1:]
    assert aead.decrypt(NONCE, view, head) == text


def test_the_key_is_not_shown() -> None:
    aead = MagmaMGM(KEY)
    assert repr(aead) == str(aead) == "MagmaMGM(secret)"
    assert KEY.hex() not in repr(Gost28147(KEY, SBOXES["TC26-Z"]))


def test_no_memory_is_an_error() -> None:
    with pytest.raises(MemoryError):
        cipher._owned(ffi.NULL, lib.magma_mgm_free)
