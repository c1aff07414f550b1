"""However the stream is cut, each end sees the same and says the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.pair import new_client, new_server, recording
from tunnel_gateway.protocol.connection import Connection
from tunnel_gateway.protocol.events import (
    ClientAuthenticated,
    CloseReceived,
    DataReceived,
    Event,
    Opened,
)
from tunnel_gateway.protocol.server import ServerConnection
from tunnel_gateway.protocol.states import State

pytestmark = pytest.mark.usefixtures("remembered")

# Each position is a handshake; the parts run side by side.
PARTS = 4
ALL_DATA = bytearray(b"first" + b"second " * 20)
in_parts = pytest.mark.parametrize("part", range(PARTS))
cuts = st.lists(st.integers(0, 2**16), max_size=12)


def cut(stream: bytes, places: Iterable[int]) -> Iterator[bytes]:
    """The stream in pieces, cut at the places, each taken modulo its length."""
    marks = sorted({place % len(stream) for place in places} | {0, len(stream)})
    for start, end in itertools.pairwise(marks):
        yield stream[start:end]


def feed(connection: Connection, pieces: Iterable[bytes]) -> tuple[list[Event], bytes]:
    """What happened and what was answered, in all."""
    events: list[Event] = []
    sent = connection.data_to_send()
    for piece in pieces:
        connection.receive_data(piece)
        events += connection.events_received()
        sent += connection.data_to_send()
    return joined(events), bytes(sent)


def joined(events: Iterable[Event]) -> list[Event]:
    """The events with neighbouring data in one: where data is cut means nothing."""
    found: list[Event] = []
    for event in events:
        last = found[-1] if found else None
        if isinstance(event, DataReceived) and isinstance(last, DataReceived):
            found[-1] = DataReceived(last.data + event.data)
        else:
            found.append(event)
    return found


def check_client(pieces: Iterable[bytes]) -> None:
    client = new_client()
    events, sent = feed(client, pieces)
    assert sent == b"".join(recording().proofs)
    assert isinstance(events[0], Opened)
    assert events[1:] == [DataReceived(ALL_DATA), CloseReceived()]
    assert client.state is State.REMOTE_CLOSED


def check_server(proofs: Iterable[bytes], rest: Iterable[bytes]) -> None:
    server = new_server()
    events, sent = feed(server, proofs)
    (event,) = events
    assert isinstance(event, ClientAuthenticated)
    server.accept()
    check_open_server(server, sent, rest)


def check_open_server(server: ServerConnection, sent: bytes, rest: Iterable[bytes]) -> None:
    events, more = feed(server, rest)
    assert sent + more == b"".join(recording().answers[:3])
    assert events == [DataReceived(ALL_DATA), CloseReceived()]
    assert server.state is State.REMOTE_CLOSED


@in_parts
def test_the_client_at_every_place(part: int) -> None:
    stream = b"".join(recording().answers)
    for place in range(part, len(stream), PARTS):
        check_client(cut(stream, [place]))


@in_parts
def test_the_server_at_every_place_of_the_handshake(part: int) -> None:
    stream, rest = b"".join(recording().proofs), b"".join(recording().rest)
    for place in range(part, len(stream), PARTS):
        check_server(cut(stream, [place]), [rest])


@in_parts
def test_the_server_at_every_place_of_the_data(part: int) -> None:
    proofs, stream = b"".join(recording().proofs), b"".join(recording().rest)
    for place in range(part, len(stream), PARTS):
        check_server([proofs], cut(stream, [place]))


@settings(deadline=None)
@given(cuts)
def test_the_client_in_any_pieces(places: list[int]) -> None:
    check_client(cut(b"".join(recording().answers), places))


@settings(deadline=None)
@given(cuts, cuts)
def test_the_server_in_any_pieces(first: list[int], second: list[int]) -> None:
    proofs, rest = b"".join(recording().proofs), b"".join(recording().rest)
    check_server(cut(proofs, first), cut(rest, second))


def single_bytes(stream: bytes) -> Iterator[bytes]:
    return (stream[place : place + 1] for place in range(len(stream)))


def test_byte_by_byte() -> None:
    check_client(single_bytes(b"".join(recording().answers)))
    check_server(
        single_bytes(b"".join(recording().proofs)), single_bytes(b"".join(recording().rest))
    )


def test_record_by_record_and_whole() -> None:
    check_client(recording().answers)
    check_client([b"".join(recording().answers)])
    check_server(recording().proofs, recording().rest)
    check_server([b"".join(recording().proofs)], [b"".join(recording().rest)])


@pytest.mark.parametrize("extra", [b"\x02", b"\x02\x00", b"\x02\x40\x09" + bytes(100)])
def test_the_beginning_of_another_record_changes_nothing(extra: bytes) -> None:
    check_client([b"".join(recording().answers) + extra])
    check_server([b"".join(recording().proofs)], [b"".join(recording().rest) + extra])


def test_what_comes_after_both_closes_is_not_looked_at() -> None:
    client = new_client()
    client.receive_data(b"".join(recording().answers[:3]))
    client.send_close()
    client.receive_data(b"".join(recording().answers[3:]) + b"\xff" * 100)
    assert client.state is State.CLOSED
    assert client.events_received()[-1] == CloseReceived()
    assert not client._received
