"""The answer to an upgrade: interim answers, and what decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.errors import DestinationUnreachableError
from tunnel_gateway.transport.wire.answer import MAX_INTERIM, MAX_INTERIM_SIZE, AnswerReader

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
PROCESSING = b"HTTP/1.1 102\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "switched"),
    [
        (b"", None),
        (b"HTTP/1.1 10", None),
        (b"HTTP/1.1 101", None),
        (b"HTTP/1.1 101 ", True),
        (b"HTTP/1.1 101\r\n", True),
        (b"HTTP/1.1 101 Switching Protocols\r\n", True),
        (b"HTTP/1.1 1011", False),
        (b"HTTP/1.1 1010 \r\n", False),
        (b"HTTP/1.1 1x", False),
        (b"HTTP/1.1 20", False),
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.0 101 ", False),
        (b"HTTP/1.0 100 Continue\r\n\r\n", False),
        (b"SSH-2.0", False),
        (CONTINUE[:-1], None),
        (CONTINUE, None),
        (CONTINUE + b"HTTP/1.1 101 ", True),
        (CONTINUE + HINTS + PROCESSING + SWITCHED, True),
        (CONTINUE + b"HTTP/1.1 403 Forbidden", False),
        (CONTINUE + b"\r\n", False),
        (b"HTTP/1.1 199 Own\r\n\r\nHTTP/1.1 101 ", True),
    ],
)
def test_only_101_opens_the_way(answer: bytes, switched: bool | None) -> None:
    assert AnswerReader().receive_data(answer) is switched


@given(st.lists(st.sampled_from([CONTINUE, HINTS, PROCESSING]), max_size=5), st.data())
def test_any_split_tells_the_same(interim: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(interim) + SWITCHED + b"\x81\x00"
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1))))
    reader, told, at = AnswerReader(), None, 0
    for cut in (*cuts, len(whole)):
        told = reader.receive_data(whole[at:cut])
        at = cut
        if told is not None:
            break
    assert told is True
    assert reader.rest + whole[at:] == SWITCHED + b"\x81\x00"


def test_interim_answers_are_bounded_in_number() -> None:
    reader = AnswerReader()
    assert reader.receive_data(CONTINUE * MAX_INTERIM) is None
    assert AnswerReader().receive_data(CONTINUE * MAX_INTERIM + SWITCHED) is True
    with pytest.raises(DestinationUnreachableError, match="interim"):
        reader.receive_data(CONTINUE)


@pytest.mark.parametrize("step", [1000, 100_000])
def test_interim_answers_are_bounded_in_size(step: int) -> None:
    reader = AnswerReader()
    reader.receive_data(b"HTTP/1.1 103 Early Hints\r\nLink: ")
    fits = (MAX_INTERIM_SIZE - len(reader.rest)) // step
    for _ in range(fits):
        assert reader.receive_data(b"a" * step) is None
    with pytest.raises(DestinationUnreachableError, match="interim"):
        reader.receive_data(b"a" * step)
