"""Streams of frames: against the AEAD frame by frame, by every kernel, and forged ones."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import shake_128
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunnel_gateway.gost.cipher import MagmaMGM, kernel_names
from tunnel_gateway.gost.frames import OVERHEAD, Frames, Opened

KEY = bytes(range(32))
IV = b"\x9f" + bytes(range(7))  # its top bit does not count
TYPE, CONTENT, OTHER = 2, 5, 6
SIZES = [0, 1, 6, 7, 8, 9, 15, 16, 247, 248, 249, 255, 256, 257, 1000, 4096]

each_kernel = pytest.mark.parametrize("kernel", kernel_names())


def mixed(size: int) -> bytes:
    return shake_128(str(size).encode()).digest(size)


def new(kernel: str | None = None) -> Frames:
    return Frames(KEY, IV, kernel=kernel)


def seal(frames: Frames, data: bytes, *, payload: int = 4096, content: int = CONTENT) -> bytes:
    sealed, taken = frames.seal(TYPE, content, data, max_payload=payload, max_frames=10_000)
    assert taken == len(data)
    return bytes(sealed)


def open_(frames: Frames, stream: bytes, *, size: int = 5000, count: int = 10_000) -> Opened:
    return frames.open(TYPE, CONTENT, stream, max_size=size, max_frames=count)


def by_the_aead(data: bytes, number: int, content: int = CONTENT) -> bytes:
    """The frame of a number as its definition has it."""
    nonce = (int.from_bytes(IV, "big") & (1 << 63) - 1 ^ number).to_bytes(8, "big")
    head = bytes((TYPE,)) + (1 + len(data) + 8).to_bytes(2, "big")
    return head + MagmaMGM(KEY).encrypt(nonce, bytes((content,)) + data, head)


@each_kernel
def test_a_frame_is_a_message_of_the_aead(kernel: str) -> None:
    frames = new(kernel)
    for number, size in enumerate(SIZES * 5):
        assert seal(frames, mixed(size)) == by_the_aead(mixed(size), number)


@each_kernel
@pytest.mark.parametrize("payload", [1, 7, 100, 4096])
def test_a_long_text_is_cut_into_full_frames(kernel: str, payload: int) -> None:
    data = mixed(3 * payload + payload // 2)
    pieces = [data[start : start + payload] for start in range(0, len(data), payload)]
    expected = b"".join(by_the_aead(piece, number) for number, piece in enumerate(pieces))
    assert seal(new(kernel), data, payload=payload) == expected
    opened = open_(new(kernel), expected)
    assert opened == Opened(len(pieces), len(expected), bytearray(data), None, forged=False)


@settings(deadline=None)
@given(
    parts=st.lists(st.binary(min_size=1, max_size=600), min_size=1, max_size=12),
    cuts=st.lists(st.integers(0, 5000), max_size=6),
)
def test_a_stream_comes_back_however_it_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    sealer, opener, rest, found = new(), new(), b"", bytearray()
    stream = b"".join(seal(sealer, part, payload=150) for part in parts)
    marks = sorted({cut % len(stream) for cut in cuts} | {0, len(stream)})
    for start, end in pairwise(marks):
        rest += stream[start:end]
        opened = open_(opener, rest)
        assert not opened.forged
        found += opened.data
        rest = rest[opened.taken :]
    assert (rest, found) == (b"", b"".join(parts))


def test_no_more_frames_than_allowed() -> None:
    data = mixed(1000)
    sealed, taken = new().seal(TYPE, CONTENT, data, max_payload=100, max_frames=3)
    assert (taken, len(sealed)) == (300, 300 + 3 * OVERHEAD)
    opened = open_(new(), seal(new(), data, payload=100), count=4)
    assert (opened.frames, opened.data) == (4, data[:400])


def three() -> Iterator[bytes]:
    """Three frames of one stream, the second of another content type."""
    sealer = new()
    yield seal(sealer, b"first")
    yield seal(sealer, b"second", content=OTHER)
    yield seal(sealer, b"third")


def test_another_content_stands_apart_and_ends_the_call() -> None:
    first, second, third = three()
    opener = new()
    opened = open_(opener, first + second + third)
    expected = bytearray(b"first"), (OTHER, b"second")
    assert (opened.data, opened.other) == expected
    assert opened.taken == len(first + second)
    assert open_(opener, third).data == b"third"


def test_an_empty_frame_stands_apart() -> None:
    opened = open_(new(), seal(new(), b""))
    assert (opened.data, opened.other, opened.forged) == (b"", (CONTENT, b""), False)


@each_kernel
@pytest.mark.parametrize("count", [1, 5, 63, 64, 65, 130])
def test_what_comes_before_a_forgery_is_kept(kernel: str, count: int) -> None:
    stream = bytearray(seal(new(kernel), mixed(10 * count), payload=10))
    place = (count - 1) * (10 + OVERHEAD)
    for altered in (place + 3, place + 9, len(stream) - 1):
        stream[altered] ^= 1
        opened = open_(new(kernel), bytes(stream))
        assert opened.forged
        assert (opened.frames, opened.taken) == (count - 1, place)
        assert opened.data == mixed(10 * count)[: 10 * (count - 1)]
        assert opened.other is None
        stream[altered] ^= 1


def test_a_forgery_of_another_content_is_a_forgery() -> None:
    first, second, _ = three()
    opened = open_(new(), first + second[:-1] + bytes((second[-1] ^ 1,)))
    assert (opened.data, opened.other, opened.forged) == (b"first", None, True)


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x02\x00", id="a part of a header"),
        pytest.param(b"\x02\x00\x09" + bytes(8), id="a part of a frame"),
        pytest.param(b"\x02\x00\x08" + bytes(8), id="too short for a content type"),
        pytest.param(b"\x03\x00\x09" + bytes(9), id="another type"),
        pytest.param(b"\x02\x13\x89" + bytes(5001), id="over the size"),
    ],
)
def test_what_is_no_whole_frame_is_left_alone(stream: bytes) -> None:
    assert open_(new(), stream) == Opened(0, 0, bytearray(), None, forged=False)


@pytest.mark.parametrize(("key", "iv"), [(bytes(31), IV), (KEY, bytes(7)), (KEY, bytes(9))])
def test_keys_and_ivs_of_another_length_are_refused(key: bytes, iv: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Frames(key, iv)


def test_an_unknown_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="no kernel 'abacus'"):
        new("abacus")


def test_secrets_are_not_shown() -> None:
    assert repr(new()) == "Frames(secret)"
