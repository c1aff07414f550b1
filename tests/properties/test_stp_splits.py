"""STP: however its bytes are cut, each role sees the same; and any bytes at all end in one way."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.stp_pair import Clock, new_stp_client, new_stp_server
from tests.support.stp_sessions import StpRecording, recorded_client, recorded_server, recordings
from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.protocol.events import ClientAuthenticated, DataReceived, Failed
from tunnel_gateway.protocol.stp.stp_connection import StpConnection
from tunnel_gateway.protocol.stp.stp_events import StpEvent
from tunnel_gateway.protocol.stp.stp_server import StpServerConnection

RECORDINGS = [one for one in recordings().values() if one.refused_at is None]
of_each = pytest.mark.parametrize("recording", RECORDINGS, ids=lambda one: one.name)
cuts = st.lists(st.integers(0, 2**16), max_size=12)
changes = st.lists(st.tuples(st.integers(0, 2**16), st.integers(1, 255)), max_size=2)


def cut(stream: bytes, places: Iterable[int]) -> Iterator[bytes]:
    """The stream in pieces, cut at the places, each taken modulo its length."""
    marks = sorted({place % len(stream) for place in places} | {0, len(stream)})
    for start, end in itertools.pairwise(marks):
        yield stream[start:end]


def feed(connection: StpConnection, pieces: Iterable[bytes]) -> tuple[list[object], bytes]:
    """All that happened, with neighbouring data in one, and all that was answered."""
    events: list[StpEvent] = []
    sent = connection.data_to_send()
    for piece in pieces:
        connection.receive_data(piece)
        news = connection.events_received()
        if isinstance(connection, StpServerConnection) and [type(event) for event in news] == [
            ClientAuthenticated
        ]:
            connection.accept()
        events += news
        sent += connection.data_to_send()
    return described(events), sent


def described(events: Iterable[StpEvent]) -> list[object]:
    """The events in a form that can be compared: errors as their kind and text."""
    found: list[object] = []
    for event in events:
        if isinstance(event, DataReceived):
            if found and isinstance(found[-1], bytes):
                found[-1] += bytes(event.data)
            else:
                found.append(bytes(event.data))
        elif isinstance(event, Failed):
            found.append((type(event.error), str(event.error)))
        else:
            found.append(event)
    return found


def hello_and_rest(recording: StpRecording) -> tuple[bytes, bytes]:
    """The client's bytes up to its proof, and those after the server's decision."""
    end = 1 + len(recording.client.params.serialize()) + 2 * 48
    return recording.client.wire[:end], recording.client.wire[end:]


def run_server(recording: StpRecording, first: Iterable[bytes], rest: Iterable[bytes]) -> object:
    """Two runs of bytes: a client does not speak while the gateway decides."""
    server = recorded_server(recording)
    return [feed(server, first), feed(server, rest)]


@of_each
@given(first=cuts, rest=cuts)
@settings(max_examples=15, deadline=None)
def test_any_split_for_the_server(
    recording: StpRecording, first: list[int], rest: list[int]
) -> None:
    proof, data = hello_and_rest(recording)
    whole = run_server(recording, [proof], [data])
    assert run_server(recording, cut(proof, first), cut(data, rest)) == whole


@of_each
@given(places=cuts)
@settings(max_examples=15, deadline=None)
def test_any_split_for_the_client(recording: StpRecording, places: list[int]) -> None:
    wire = recording.server.wire
    events, sent = feed(recorded_client(recording), [wire])
    assert feed(recorded_client(recording), cut(wire, places)) == (events, sent)


@pytest.mark.parametrize("name", ["10-e-b-gcfb", "16-sic-carry"])
def test_byte_by_byte(name: str) -> None:
    recording = recordings()[name]
    proof, data = hello_and_rest(recording)
    whole = run_server(recording, [proof], [data])
    assert (
        run_server(recording, cut(proof, range(len(proof))), cut(data, range(len(data)))) == whole
    )
    wire = recording.server.wire
    events = feed(recorded_client(recording), [wire])
    assert feed(recorded_client(recording), cut(wire, range(len(wire)))) == events


@given(spoilt=changes, places=cuts, role=st.sampled_from(["client", "server"]))
@settings(max_examples=300, deadline=None)
def test_changed_bytes_end_alike_however_they_are_cut(
    spoilt: list[tuple[int, int]], places: list[int], role: str
) -> None:
    recording = recordings()["10-e-b-gcfb"]
    wire = bytearray((recording.server if role == "client" else recording.client).wire)
    for place, change in spoilt:
        wire[place % len(wire)] ^= change

    def run(places: list[int]) -> object:
        if role == "client":
            return feed(recorded_client(recording), cut(bytes(wire), places))
        end = len(hello_and_rest(recording)[0])
        first, rest = bytes(wire[:end]), bytes(wire[end:])
        return run_server(recording, cut(first, places), cut(rest, places))

    whole = run([])
    assert run(places) == whole


@given(data=st.binary(max_size=400), places=cuts)
@settings(max_examples=300, deadline=None)
def test_any_bytes(data: bytes, places: list[int]) -> None:
    """Every end is an error of this package, is told once, and stays the end."""
    clock = Clock()
    for connection in (new_stp_server(clock=clock), new_stp_client(clock=clock)):
        connection.data_to_send()
        for piece in cut(data + b"\x01", places):
            connection.receive_data(piece)
        connection.receive_eof()
        (event,) = connection.events_received()
        assert isinstance(event, Failed)
        assert isinstance(event.error, TunnelGatewayError)
        assert connection.closed
        assert len(connection.data_to_send()) <= 1
