"""Frames: borders mean nothing, headers are checked, and no length costs memory."""

from __future__ import annotations

import itertools
import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.stp_model import frame
from tunnel_gateway.errors import BadRecordError, ProtocolViolationError, TunnelGatewayError
from tunnel_gateway.gost.crc32c import crc32c
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.protocol.stp.stp_constants import MAX_CLIENT_BLOCKS, MAX_SERVER_BLOCKS
from tunnel_gateway.protocol.stp.stp_frames import FrameReader, FrameWriter


class Plain:
    """A stream that encrypts nothing, and insists on whole blocks."""

    def encrypt(self, data: Buffer) -> Buffer:
        assert len(data) % 8 == 0
        return bytes(data)

    decrypt = encrypt

    def place(self) -> bytes:
        return b"nowhere"


def header(counter: int, blocks: int, rest: int) -> bytes:
    fields = struct.pack(">III", counter, blocks, rest)
    return fields + struct.pack(">I", crc32c(fields))


def new_reader(max_blocks: int = MAX_CLIENT_BLOCKS) -> FrameReader:
    return FrameReader(Plain(), max_blocks)


def read(reader: FrameReader, data: bytes) -> tuple[bytes, TunnelGatewayError | None]:
    """The payload in ``data``, and the error that ended the reading."""
    payload = b""
    try:
        for part in reader.read(data):
            payload += part
    except TunnelGatewayError as error:
        return payload, error
    return payload, None


def test_what_is_sent() -> None:
    writer = FrameWriter(Plain())
    assert writer.write(b"one") == frame(0, b"one")
    assert writer.write(b"") == b""
    assert writer.write(b"x" * 10_000) == (
        frame(1, b"x" * 4096) + frame(2, b"x" * 4096) + frame(3, b"x" * 1808)
    )


def test_the_frames_of_a_direction_end() -> None:
    writer = FrameWriter(Plain())
    writer._counter = 2**32 - 1
    assert writer.write(b"the last one") == frame(2**32 - 1, b"the last one")
    with pytest.raises(ProtocolViolationError, match="all of its 2\\^32 frames"):
        writer.write(b"one more")


@given(
    st.lists(st.binary(max_size=40) | st.just(b""), max_size=12),
    st.lists(st.integers(0, 1000), max_size=12),
    st.binary(min_size=7, max_size=7),
)
def test_borders_and_splits_mean_nothing(
    payloads: list[bytes], cuts: list[int], padding: bytes
) -> None:
    stream = b"".join(
        frame(counter, payload, padding[: -len(payload) % 8])
        for counter, payload in enumerate(payloads)
    )
    reader = new_reader()
    marks = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    found = b""
    for start, end in itertools.pairwise(marks):
        payload, error = read(reader, stream[start:end])
        assert error is None
        found += payload
    assert found == b"".join(payloads)
    assert reader.frames == len(payloads)
    assert reader.missing == 16


@given(st.binary(max_size=60))
def test_exactly_what_is_missing_is_enough(payload: bytes) -> None:
    stream = frame(0, payload) + frame(1, payload)
    reader, at, found = new_reader(), 0, b""
    while at < len(stream):
        end = at + reader.missing
        found += read(reader, stream[at:end])[0]
        at = end
    assert at == len(stream)
    assert found == payload * 2


@pytest.mark.parametrize("bit", range(128))
def test_one_other_bit_in_a_header(bit: int) -> None:
    changed = bytearray(frame(0, b"first") + frame(1, b"second"))
    changed[24 + bit // 8] ^= 1 << bit % 8
    payload, error = read(new_reader(), bytes(changed))
    assert payload == b"first"
    assert isinstance(error, BadRecordError)
    assert "checksum" in str(error)


@pytest.mark.parametrize("counter", [0, 2, 2**31, 2**32 - 1])
def test_another_counter(counter: int) -> None:
    payload, error = read(new_reader(), frame(0, b"first") + frame(counter, b"second"))
    assert payload == b"first"
    assert isinstance(error, BadRecordError)
    assert str(error) == f"a frame with the counter {counter} in place of 1"


@pytest.mark.parametrize(
    ("blocks", "rest"),
    [(513, 0), (2**28, 0), (2**31, 0), (2**32 - 1, 0), (0, 8), (0, 2**31), (0, 2**32 - 1)],
)
def test_a_length_that_a_client_may_not_say(blocks: int, rest: int) -> None:
    _, error = read(new_reader(), header(0, blocks, rest))
    assert isinstance(error, ProtocolViolationError)
    assert str(error) == f"a frame of {blocks} blocks and {rest} bytes"


def test_the_longest_frame_of_a_client() -> None:
    payload = b"x" * (512 * 8 + 7)
    assert read(new_reader(), frame(0, payload)) == (payload, None)


def test_a_gateway_may_say_more_but_not_two_gigabytes() -> None:
    for blocks, rest in ((2**28, 0), (0, 8)):
        _, error = read(new_reader(MAX_SERVER_BLOCKS), header(0, blocks, rest))
        assert isinstance(error, ProtocolViolationError)
    reader = new_reader(MAX_SERVER_BLOCKS)
    assert read(reader, header(0, MAX_SERVER_BLOCKS, 7)) == (b"", None)
    assert reader.missing == 2**31


def test_a_long_frame_takes_no_memory() -> None:
    reader = new_reader(MAX_SERVER_BLOCKS)
    read(reader, header(0, MAX_SERVER_BLOCKS, 7))
    part = bytes(8192)
    tracemalloc.start()
    try:
        for _ in range(200):
            read(reader, part)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_empty_frames_are_seen_but_carry_nothing() -> None:
    reader = new_reader()
    parts = list(reader.read(frame(0, b"") + frame(1, b"")))
    assert parts == [b"", b""]
    assert reader.frames == 2


def test_the_place_of_a_reader_is_within_a_frame() -> None:
    reader = new_reader()
    assert read(reader, header(0, 2, 3) + b"x" * 20) == (b"x" * 16, None)
    place = reader.place()
    assert (place.frames, place.payload, place.padding, place.block) == (1, 3, 5, b"x" * 4)
    assert "nowhere" not in repr(place)
    writer = FrameWriter(Plain())
    writer.write(bytes(5000))
    assert writer.place().frames == 2
