"""The cipher streams: recorded ones, a plain model, every kernel, parts of any size."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import shake_128
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import reference_streams
from tests.vectors import FOLDER
from tunnel_gateway.gost import streams
from tunnel_gateway.gost._native._gost import ffi
from tunnel_gateway.gost.cipher import Gost28147, kernel_names
from tunnel_gateway.gost.streams import Mode, ParamSet, Stream

RECORDED: dict[str, Any] = json.loads((FOLDER / "streams.json").read_text("ascii"))
KEY, IV = bytes(range(32)), bytes(range(100, 108))
ALL = list(product(ParamSet, Mode))

on_each_kernel = pytest.mark.parametrize("kernel", kernel_names())
on_each_mode = pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.name)


def mixed(size: int) -> bytes:
    return shake_128(str(size).encode()).digest(size)


def name_of(recorded: dict[str, Any]) -> str:
    return f"{recorded['table_name']}-{recorded['mode_name']}"


@on_each_kernel
@pytest.mark.parametrize("recorded", RECORDED["streams"], ids=name_of)
def test_recorded_streams(recorded: dict[str, Any], kernel: str) -> None:
    key, plaintext = (bytes.fromhex(RECORDED[name]) for name in ("key", "plaintext"))
    ciphertext, iv = (bytes.fromhex(recorded[name]) for name in ("ciphertext", "iv"))
    param_set, mode = ParamSet(recorded["table"]), Mode(recorded["mode"])
    assert mode.name == recorded["mode_name"]
    assert Stream(param_set, mode, key, iv[:8], kernel=kernel).encrypt(plaintext) == ciphertext
    assert Stream(param_set, mode, key, iv[:8], kernel=kernel).decrypt(ciphertext) == plaintext
    assert reference_streams.encrypt(param_set, mode, key, iv[:8], plaintext) == ciphertext


def test_all_ciphers_are_recorded() -> None:
    recorded = [(one["table"], one["mode"]) for one in RECORDED["streams"]]
    assert sorted(recorded) == sorted(ALL)
    assert len(RECORDED["plaintext"]) // 2 > 2 * 1024


@on_each_kernel
@given(
    cipher=st.sampled_from(ALL),
    secrets=st.tuples(st.binary(min_size=32, max_size=32), st.binary(min_size=8, max_size=8)),
    blocks=st.integers(0, 300),
    cuts=st.lists(st.integers(0, 300), max_size=6),
)
@settings(deadline=None)
def test_any_parts_are_the_models_stream(
    kernel: str,
    cipher: tuple[ParamSet, Mode],
    secrets: tuple[bytes, bytes],
    blocks: int,
    cuts: list[int],
) -> None:
    plaintext = mixed(8 * blocks)
    expected = reference_streams.encrypt(*cipher, *secrets, plaintext)
    sealer, opener = (Stream(*cipher, *secrets, kernel=kernel) for _ in range(2))
    for start, stop in pairwise(sorted([0, *(min(cut, blocks) for cut in cuts), blocks])):
        part = slice(8 * start, 8 * stop)
        assert sealer.encrypt(plaintext[part]) == expected[part]
        assert opener.decrypt(expected[part]) == plaintext[part]


@on_each_kernel
@pytest.mark.parametrize("before", [0, 1, 7, 8, 63, 64, 70])
def test_the_counter_of_sic_carries_over_all_its_bits(kernel: str, before: int) -> None:
    for last in (0xFF, 0xFFFFFFFF, 0xFFFFFFFFFFFF, 2**64 - 1):
        iv = (last - before).to_bytes(8, "big") if last >= before else bytes(8)
        arguments = (ParamSet.CRYPTOPRO_A, Mode.SIC, KEY, iv)
        plaintext = mixed(8 * 150)
        expected = reference_streams.encrypt(*arguments, plaintext)
        assert Stream(*arguments, kernel=kernel).encrypt(plaintext) == expected


@on_each_kernel
@pytest.mark.parametrize("word", [0, 1])
def test_the_counters_of_gofb_wrap_without_a_carry(kernel: str, word: int) -> None:
    """The IV is made so that this half of the counter wraps within the stream."""
    cipher = Gost28147(KEY, reference_streams.SBOXES[ParamSet.CRYPTOPRO_A])
    for before in (1, 5, 64, 100):
        halves = [0x12345678, 0x12345678]
        halves[word] = 2**32 - before * 0x01010101
        start = b"".join(half.to_bytes(4, "little") for half in halves)
        arguments = (ParamSet.CRYPTOPRO_A, Mode.GOFB, KEY, cipher.decrypt_blocks(start))
        plaintext = mixed(8 * 150)
        expected = reference_streams.encrypt(*arguments, plaintext)
        assert Stream(*arguments, kernel=kernel).encrypt(plaintext) == expected


@on_each_mode
def test_in_place_and_in_views(mode: Mode) -> None:
    plaintext = mixed(8 * 200)
    ciphertext = Stream(ParamSet.DIGEST, mode, KEY, IV).encrypt(plaintext)
    room = bytearray(b"head" + plaintext + b"tail")
    with memoryview(room)[4:-4] as inside:
        Stream(ParamSet.DIGEST, mode, KEY, IV).encrypt_in_place(inside)
        assert inside == ciphertext
        assert Stream(ParamSet.DIGEST, mode, KEY, IV).decrypt(inside) == plaintext
        Stream(ParamSet.DIGEST, mode, KEY, IV).decrypt_in_place(inside)
    assert room == b"head" + plaintext + b"tail"


@on_each_mode
def test_a_stream_goes_on_where_it_ended(mode: Mode) -> None:
    """The same text twice is not the same ciphertext."""
    stream = Stream(ParamSet.CRYPTOPRO_B, mode, KEY, IV)
    assert stream.encrypt(bytes(8)) != stream.encrypt(bytes(8))
    assert stream.encrypt(b"") == b""


def test_each_cipher_is_another() -> None:
    ciphertexts = {bytes(Stream(*cipher, KEY, IV).encrypt(mixed(1032))) for cipher in ALL}
    assert len(ciphertexts) == len(ALL) == 35


@pytest.mark.parametrize("size", [1, 7, 9, 1023])
def test_parts_of_a_block_are_refused(size: int) -> None:
    stream = Stream(ParamSet.TEST, Mode.CFB, KEY, IV)
    calls: list[Callable[[bytearray], object]] = [
        stream.encrypt,
        stream.decrypt,
        stream.encrypt_in_place,
        stream.decrypt_in_place,
    ]
    for call in calls:
        with pytest.raises(ValueError, match="whole blocks"):
            call(bytearray(size))
    untouched = Stream(ParamSet.TEST, Mode.CFB, KEY, IV)
    assert stream.encrypt(bytes(8)) == untouched.encrypt(bytes(8))


@pytest.mark.parametrize(("key_size", "iv_size"), [(31, 8), (33, 8), (0, 8), (32, 7), (32, 32)])
def test_keys_and_ivs_of_another_length_are_refused(key_size: int, iv_size: int) -> None:
    with pytest.raises(ValueError, match="the key has 32 bytes and the IV has 8"):
        Stream(ParamSet.TEST, Mode.CFB, bytes(key_size), bytes(iv_size))


def test_unknown_ciphers_and_kernels_are_refused() -> None:
    number: Any
    for number in (-1, 7, 2**32):
        with pytest.raises(ValueError, match="ParamSet"):
            Stream(number, Mode.CFB, KEY, IV)
    for number in (-1, 5, 2**32):
        with pytest.raises(ValueError, match="Mode"):
            Stream(ParamSet.TEST, number, KEY, IV)
    with pytest.raises(ValueError, match="no kernel 'abacus'"):
        Stream(ParamSet.TEST, Mode.CFB, KEY, IV, kernel="abacus")


def test_memory_that_cannot_be_written_is_refused() -> None:
    constant: Any = bytes(8)
    with pytest.raises(BufferError):
        Stream(ParamSet.TEST, Mode.CFB, KEY, IV).encrypt_in_place(constant)


def test_the_key_is_not_shown() -> None:
    stream = Stream(ParamSet.TEST, Mode.CFB, KEY, IV)
    assert repr(stream) == str(stream) == "Stream(secret)"


def test_no_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __getattr__(self, name: str) -> Any:
            return lambda *_: ffi.NULL

    monkeypatch.setattr(streams, "lib", Full())
    with pytest.raises(MemoryError):
        Stream(ParamSet.TEST, Mode.CFB, KEY, IV)


def test_the_place_of_a_stream_is_where_it_stands() -> None:
    one, other = (Stream(ParamSet.CRYPTOPRO_A, Mode.GCFB, KEY, IV) for _ in range(2))
    assert one.place() == other.place()
    one.encrypt(mixed(2048))
    assert one.place() != other.place()
    other.encrypt(mixed(1024))
    other.encrypt(mixed(2048)[1024:])
    assert len(one.place()) == 48
