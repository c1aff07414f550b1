"""What both roles share, seen on the server: data, silence in each state, and the ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.entropy import Entropy
from tests.support.pki import NOW
from tests.support.stp_model import frame
from tests.support.stp_pair import Clock, StpPair, new_stp_server, stp_failure
from tests.support.stp_speaker import Speaker
from tunnel_gateway.errors import (
    BadRecordError,
    DestinationUnreachableError,
    ProtocolViolationError,
    TimedOutError,
    TruncatedError,
)
from tunnel_gateway.protocol.events import DataReceived, Failed, Opened
from tunnel_gateway.protocol.stp.stp_connection import StpSurroundings
from tunnel_gateway.protocol.stp.stp_server import StpServerConnection
from tunnel_gateway.protocol.stp.stp_states import StpState


def test_data_of_any_length_in_both_directions() -> None:
    pair = StpPair().open()
    pair.client_events.clear()
    for size in (1, 8, 4095, 4096, 4097, 100_000):
        for sender in (pair.client, pair.server):
            sender.send_data(b"")
            sender.send_data(bytes(size))
        pair.pass_all()
        for events in (pair.client_events, pair.server_events):
            assert b"".join(e.data for e in events if isinstance(e, DataReceived)) == bytes(size)
            assert all(isinstance(event, DataReceived) for event in events)
            events.clear()


def test_both_sides_have_one_name_for_the_tunnel() -> None:
    pair = StpPair()
    event = pair.authenticate()
    pair.server.accept()
    pair.pass_all()
    (opened,) = pair.client_events
    assert isinstance(opened, Opened)
    assert opened.tunnel_id == event.tunnel_id
    assert len(event.tunnel_id) == 16


def test_exactly_what_is_missing_leads_to_the_end_of_a_handshake() -> None:
    """The costly steps are told apart: the end of the params, once on each side."""
    pair = StpPair()
    costly = {"client": 0, "server": 0}

    def carry(name: str, data: bytes) -> None:
        to = pair.server if name == "server" else pair.client
        at = 0
        while at < len(data):
            costly[name] += not to.header_is_next
            end = at + to.missing
            assert end <= len(data)
            to.receive_data(data[at:end])
            at = end

    for _ in range(2):
        carry("server", pair.client.data_to_send())
        carry("client", pair.server.data_to_send())
    pair.server.accept()
    carry("client", pair.server.data_to_send())
    carry("server", pair.client.data_to_send())
    assert pair.client.state is pair.server.state is StpState.OPEN
    assert costly == {"client": 1, "server": 1}


def test_the_longest_first_message_byte_by_byte() -> None:
    """Nothing is decided before the last of its bytes."""
    server = new_stp_server()
    server.receive_data(b"\x01\x28\x00")
    for _ in range(10_240):
        server.receive_data(b"\x00")
    assert server.missing == 1
    assert server.events_received() == []


def test_the_secrets_are_not_shown() -> None:
    pair = StpPair().open()
    for side in (pair.client, pair.server):
        assert "key" not in repr(side)
        assert not hasattr(side, "_key")


class TestData:
    def test_faults_end_the_tunnel_and_nothing_more_is_said(self) -> None:
        for wrong in (frame(5, b"x"), b"\x01" * 16):
            speaker = Speaker().opened()
            speaker.say(frame(3, b"good"), wrong)
            data, failed = speaker.server.events_received()
            assert data == DataReceived(bytearray(b"good"))
            assert isinstance(failed, Failed)
            assert isinstance(failed.error, BadRecordError)
            assert speaker.server.closed
            assert speaker.server.data_to_send() == b""

    def test_the_end_waits_until_the_client_has_read(self) -> None:
        clock = Clock()
        server = Speaker(clock).opened().server
        clock.now = 2000.0
        server.send_data(b"the last bytes")
        clock.now = 2000.5
        server.send_close()
        assert (server.state, server.next_deadline) == (StpState.ENDING, 2002.0)
        assert not server.can_send
        server.receive_data(b"dropped")
        server.receive_eof()
        assert server.closed
        assert server.events_received() == []

    def test_the_end_does_not_wait_for_what_was_read_long_ago(self) -> None:
        clock = Clock()
        server = Speaker(clock).opened().server
        clock.now += 60
        server.send_close()
        assert server.closed

    def test_an_error_of_ours_lets_the_client_read_the_data(self) -> None:
        server = Speaker().opened().server
        server.send_data(b"the last bytes")
        server.abort(DestinationUnreachableError("it broke off"))
        assert (server.state, server.next_deadline) == (StpState.ENDING, 1002.0)


def in_state(state: StpState, clock: Clock) -> Speaker | StpServerConnection:
    match state:
        case StpState.SERVER_EXPECT_PARAMS:
            return new_stp_server(clock=clock)
        case StpState.SERVER_EXPECT_PROOF:
            return Speaker(clock)
        case StpState.SERVER_OPENING:
            return Speaker(clock).proven()
        case StpState.SERVER_EXPECT_FINISH:
            return Speaker(clock).accepted()
    return Speaker(clock).opened()


STATES = [
    StpState.SERVER_EXPECT_PARAMS,
    StpState.SERVER_EXPECT_PROOF,
    StpState.SERVER_OPENING,
    StpState.SERVER_EXPECT_FINISH,
    StpState.OPEN,
]
in_each_state = pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)


def server_of(made: Speaker | StpServerConnection) -> StpServerConnection:
    return made.server if isinstance(made, Speaker) else made


@in_each_state
def test_silence(state: StpState) -> None:
    clock = Clock()
    made = in_state(state, clock)
    server = server_of(made)
    assert server.state is state
    if state in (StpState.SERVER_OPENING, StpState.OPEN):
        assert server.next_deadline is None
        server.expire(10_000_000.0)
        assert server.state is state
        return
    assert server.next_deadline == 1010.0
    server.expire(1009.9)
    assert server.state is state
    server.data_to_send()
    clock.now = 1010.0
    server.expire(1010.0)
    error = stp_failure(server)
    assert isinstance(error, TimedOutError)
    assert state.value in str(error)
    told: dict[StpState, Callable[[], bool]] = {
        StpState.SERVER_EXPECT_PARAMS: lambda: server.data_to_send() == b"\x10",
        StpState.SERVER_EXPECT_PROOF: lambda: len(server.data_to_send()) == 24,
        StpState.SERVER_EXPECT_FINISH: lambda: server.data_to_send() == b"",
    }
    assert told[state]()
    assert server.closed is (state is not StpState.SERVER_EXPECT_PROOF)


def test_the_first_step_may_have_begun_before() -> None:
    clock = Clock()
    made = StpSurroundings(Entropy("server"), NOW, clock, 10.0, clock.now - 9)
    server = StpServerConnection(new_stp_server()._settings, made)
    assert server.next_deadline == clock.now + 1
    server.expire(clock.now + 1)
    assert isinstance(stp_failure(server), TimedOutError)


@in_each_state
def test_one_byte_in_a_while_does_not_lengthen_a_step(state: StpState) -> None:
    clock = Clock()
    server = server_of(in_state(state, clock))
    deadline = server.next_deadline
    clock.now += 9
    server.receive_data(b"\x01")
    assert server.next_deadline == deadline


@in_each_state
def test_the_peers_end(state: StpState) -> None:
    server = server_of(in_state(state, Clock()))
    server.data_to_send()
    server.receive_eof()
    assert server.closed
    assert server.data_to_send() == b""
    (event,) = server.events_received()
    if state is not StpState.OPEN:
        assert isinstance(event, Failed)
        assert isinstance(event.error, TruncatedError)
        assert state.value in str(event.error)


@in_each_state
def test_an_end_is_final(state: StpState) -> None:
    server = server_of(in_state(state, Clock()))
    server.data_to_send()
    server.receive_eof()
    server.events_received()
    server.receive_data(b"more")
    server.receive_eof()
    server.abort(ProtocolViolationError("late"))
    server.send_close()
    server.expire(10_000_000.0)
    assert server.events_received() == []
    assert server.data_to_send() == b""
    with pytest.raises(ProtocolViolationError):
        server.send_data(b"late")
