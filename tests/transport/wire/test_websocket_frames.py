"""Where frames begin, in whatever pieces they come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode

from tests.support.destination import SWITCHED
from tunnel_gateway.transport.wire.websocket_frames import FrameTracker, close_frame


def tracker(*pieces: bytes) -> FrameTracker:
    made = FrameTracker()
    for piece in pieces:
        made.receive_data(memoryview(piece))
    return made


def frame(size: int, *, mask: bool = False, opcode: Opcode = Opcode.BINARY) -> bytes:
    return Frame(opcode, bytes(size)).serialize(mask=mask)


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
def test_frames_of_every_length(size: int, mask: bool) -> None:
    whole = frame(size, mask=mask)
    assert tracker(SWITCHED, whole).between_frames
    assert tracker(SWITCHED, whole, whole).between_frames
    for cut in {1, 2, len(whole) // 2, len(whole) - 1} - {len(whole)}:
        assert not tracker(SWITCHED, whole, whole[:cut]).between_frames
        assert tracker(SWITCHED, whole[:cut], whole[cut:]).between_frames


@given(
    st.lists(st.tuples(st.sampled_from([0, 5, 126, 70_000]), st.booleans()), max_size=5),
    st.lists(st.integers(0, 300_000), max_size=10),
)
def test_any_split_ends_at_the_same_place(frames: list[tuple[int, bool]], cuts: list[int]) -> None:
    parts = [frame(size, mask=mask) for size, mask in frames]
    data = SWITCHED + b"".join(parts)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    ends = {len(SWITCHED) + sum(map(len, parts[:count])) for count in range(len(parts) + 1)}
    made = FrameTracker()
    for start, end in pairwise(edges):
        made.receive_data(data[start:end])
        assert made.between_frames == (end in ends)
    assert made.between_frames
    assert not made.close_seen


def test_byte_by_byte() -> None:
    data = SWITCHED + frame(300) + frame(2, mask=True)
    places = [
        end
        for end in range(1, len(data) + 1)
        if tracker(*(data[i : i + 1] for i in range(end))).between_frames
    ]
    assert places == [len(SWITCHED), len(SWITCHED) + len(frame(300)), len(data)]


def test_a_close_frame_is_seen() -> None:
    assert not tracker(SWITCHED, frame(5, opcode=Opcode.PING)).close_seen
    assert tracker(SWITCHED, close_frame(1000, "xayr")).close_seen


@pytest.mark.parametrize("answer", [b"HTTP/1.1 403 No\r\n\r\n", b"SSH-2.0-x\r\n\r\n"])
def test_without_a_websocket_there_are_no_frames(answer: bytes) -> None:
    made = tracker(answer, frame(5))
    assert made.started
    assert not made.between_frames


def test_an_answer_without_an_end() -> None:
    made = tracker(SWITCHED[:-2] + bytes(70_000))
    made.receive_data(b"\r\n\r\n")
    assert not made.between_frames


def test_nothing_was_said() -> None:
    assert not FrameTracker().started
    assert not FrameTracker().between_frames


def test_a_reason_that_is_too_long_is_cut_between_letters() -> None:
    made = close_frame(1011, "x" + "‘" * 60)
    assert made[0] == 0x88
    assert len(made) - 2 == made[1] <= 125
    assert Close.parse(made[2:]) == Close(1011, "x" + "‘" * 40)


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_interim_answers_before_the_answer(step: int) -> None:
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + SWITCHED
    data += frame(5)
    made = tracker(*(data[at : at + step] for at in range(0, len(data), step)))
    assert made.between_frames
    assert not tracker(data[:-1]).between_frames
    assert not tracker(data[: -len(SWITCHED)]).between_frames
    refused = data.replace(SWITCHED, b"HTTP/1.1 403 Forbidden\r\n\r\n")
    assert not tracker(refused).between_frames
