"""An open tunnel: data, half-close, alerts, and that an end is an end."""

from __future__ import annotations

import pytest

from tests.support.pair import (
    LATER_STATES,
    PLACES,
    Pair,
    ends_in,
    failure,
    failure_of,
    forged,
    new_client,
    new_server,
    open_pair,
    opened,
    record,
    split_records,
)
from tunnel_gateway import errors
from tunnel_gateway.errors import (
    AlertReceivedError,
    ProtocolViolationError,
    RefusalError,
    TruncatedError,
    TunnelGatewayError,
)
from tunnel_gateway.protocol.alerts import Alert, AlertCode
from tunnel_gateway.protocol.connection import Connection
from tunnel_gateway.protocol.constants import MAX_PAYLOAD, ContentType
from tunnel_gateway.protocol.events import CloseReceived, DataReceived
from tunnel_gateway.protocol.states import State

DATA, CLOSE = ContentType.DATA, ContentType.CLOSE
on_each_role = pytest.mark.parametrize("role", ["client", "server"])


def both_ends(role: str, pair: Pair) -> tuple[Connection, Connection]:
    return (pair.client, pair.server) if role == "client" else (pair.server, pair.client)


def carry(source: Connection, target: Connection) -> bytes:
    data = source.data_to_send()
    target.receive_data(data)
    return data


def data_in(connection: Connection) -> bytes:
    """The data of all events, which must be data; where it is cut means nothing."""
    found = bytearray()
    for event in connection.events_received():
        assert isinstance(event, DataReceived)
        found += event.data
    return bytes(found)


def refuses_to_send(ours: Connection) -> None:
    for data in (b"x", b""):
        with pytest.raises(ProtocolViolationError, match="data of our own is out of place"):
            ours.send_data(data)
    with pytest.raises(ProtocolViolationError, match="a close of our own is out of place"):
        ours.send_close()


@on_each_role
class TestData:
    @pytest.mark.parametrize("size", [1, 100, MAX_PAYLOAD, MAX_PAYLOAD + 1, 3 * MAX_PAYLOAD])
    def test_bytes_arrive_in_records_of_the_limit(self, role: str, size: int) -> None:
        ours, theirs = both_ends(role, open_pair())
        data = bytes(number % 251 for number in range(size))
        ours.send_data(data)
        assert len(split_records(carry(ours, theirs))) == -(-size // MAX_PAYLOAD)
        events = theirs.events_received()
        assert all(isinstance(event, DataReceived) for event in events)
        assert b"".join(event.data for event in events if isinstance(event, DataReceived)) == data

    def test_no_bytes_make_no_record(self, role: str) -> None:
        ours, _ = both_ends(role, open_pair())
        ours.send_data(b"")
        assert ours.data_to_send() == b""

    def test_both_directions_are_independent(self, role: str) -> None:
        ours, theirs = both_ends(role, open_pair())
        for number in range(300):
            ours.send_data(b"there %d" % number)
        theirs.send_data(b"and back")
        carry(theirs, ours)
        carry(ours, theirs)
        assert ours.events_received() == [DataReceived(b"and back")]
        assert data_in(theirs) == b"".join(b"there %d" % number for number in range(300))

    def test_many_records_change_keys_on_both_sides_alike(self, role: str) -> None:
        ours, theirs = both_ends(role, open_pair())
        for _ in range(4):
            for number in range(200):
                ours.send_data(b"%d" % number)
            carry(ours, theirs)
            assert data_in(theirs) == b"".join(b"%d" % number for number in range(200))

    @pytest.mark.parametrize("state", [State.LOCAL_CLOSED, State.CLOSED], ids=lambda s: s.name)
    def test_nothing_is_sent_after_our_end(self, role: str, state: State) -> None:
        ours, _ = ends_in(state, role)
        assert not ours.can_send
        refuses_to_send(ours)
        assert ours.state is state
        assert (ours.data_to_send(), ours.events_received()) == (b"", [])


@pytest.mark.parametrize(
    ("state", "role"), [place for place in PLACES if place[0] not in LATER_STATES], ids=str
)
def test_nothing_is_sent_before_the_tunnel_is_open(state: State, role: str) -> None:
    ours, _ = ends_in(state, role)
    assert not ours.can_send
    refuses_to_send(ours)
    assert ours.state is state
    assert ours.data_to_send() == b""


@on_each_role
class TestHalfClose:
    def test_one_direction_ends_and_the_other_goes_on(self, role: str) -> None:
        ours, theirs = both_ends(role, open_pair())
        ours.send_data(b"last")
        ours.send_close()
        carry(ours, theirs)
        assert theirs.events_received() == [DataReceived(b"last"), CloseReceived()]
        for _ in range(2):
            theirs.send_data(b"still here")
            carry(theirs, ours)
            assert ours.events_received() == [DataReceived(b"still here")]
        theirs.send_close()
        carry(theirs, ours)
        assert ours.events_received() == [CloseReceived()]
        assert [ours.state, theirs.state] == [State.CLOSED] * 2

    def test_both_close_at_once(self, role: str) -> None:
        ours, theirs = both_ends(role, open_pair())
        ours.send_close()
        theirs.send_close()
        first, second = ours.data_to_send(), theirs.data_to_send()
        ours.receive_data(second)
        theirs.receive_data(first)
        assert ours.events_received() == theirs.events_received() == [CloseReceived()]
        assert [ours.state, theirs.state] == [State.CLOSED] * 2

    def test_a_close_is_one_empty_record(self, role: str) -> None:
        ours, theirs = both_ends(role, open_pair())
        ours.send_close()
        assert opened(theirs, ours.data_to_send()) == [(CLOSE, b"")]

    @pytest.mark.parametrize("content", ContentType, ids=lambda content: content.name)
    def test_nothing_may_follow_a_close(self, role: str, content: ContentType) -> None:
        ours, theirs = ends_in(State.REMOTE_CLOSED, role)
        ours.receive_data(forged(ours, content, b"\x01\x00"))
        assert type(failure(ours)) is ProtocolViolationError
        assert [content for content, _ in opened(theirs, ours.data_to_send())] == [
            ContentType.ALERT
        ]

    def test_the_end_of_the_socket_after_a_close_is_an_end(self, role: str) -> None:
        ours, theirs = ends_in(State.REMOTE_CLOSED, role)
        ours.receive_eof()
        assert ours.events_received() == []
        ours.send_data(b"goes on")
        carry(ours, theirs)
        assert theirs.events_received() == [DataReceived(b"goes on")]


REFUSALS = RefusalError.__subclasses__()


class TestAlerts:
    @pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
    def test_every_refusal_of_the_gateway_arrives_by_name(self, kind: type[RefusalError]) -> None:
        pair = Pair()
        pair.authenticate()
        error = kind("a detail of ours")
        pair.server.abort(error)
        pair.pass_all()
        assert failure_of(pair.server_events) is error
        received = failure_of(pair.client_events)
        assert isinstance(received, AlertReceivedError)
        assert received.name == kind.code
        assert "detail" not in str(received)
        assert [pair.client.state, pair.server.state] == [State.CLOSED] * 2

    @on_each_role
    @pytest.mark.parametrize("code", AlertCode, ids=lambda code: code.name)
    def test_every_alert_ends_an_open_tunnel(self, role: str, code: AlertCode) -> None:
        ours, _ = ends_in(State.OPEN, role)
        ours.receive_data(forged(ours, ContentType.ALERT, Alert(code, "why").serialize()))
        received = failure(ours)
        assert isinstance(received, AlertReceivedError)
        assert (received.name, received.text) == (code.name.lower(), "why")
        assert ours.data_to_send() == b""  # an alert is not answered

    @on_each_role
    def test_an_alert_of_a_later_version(self, role: str) -> None:
        ours, _ = ends_in(State.OPEN, role)
        ours.receive_data(forged(ours, ContentType.ALERT, b"\xc8\x04new\n"))
        received = failure(ours)
        assert isinstance(received, AlertReceivedError)
        assert (received.name, received.text) == ("alert_200", "new?")

    @on_each_role
    @pytest.mark.parametrize("state", [State.OPEN, State.REMOTE_CLOSED], ids=lambda s: s.name)
    def test_an_abort_sends_one_alert_and_no_more(self, role: str, state: State) -> None:
        ours, theirs = ends_in(state, role)
        ours.abort(errors.ShuttingDownError("stopping"))
        ours.abort(errors.OverloadedError("again"))
        assert type(failure(ours)) is errors.ShuttingDownError
        alert = ours.data_to_send()
        ((content, payload),) = opened(theirs, alert)
        assert (content, payload[0]) == (ContentType.ALERT, AlertCode.SHUTTING_DOWN)
        theirs.receive_data(alert)
        received = failure(theirs)
        assert isinstance(received, AlertReceivedError)
        assert received.name == "shutting_down"

    @on_each_role
    def test_after_our_close_even_an_alert_is_not_sent(self, role: str) -> None:
        ours, _ = ends_in(State.LOCAL_CLOSED, role)
        ours.abort(errors.TimedOutError("half-closed for too long"))
        assert type(failure(ours)) is errors.TimedOutError
        assert ours.data_to_send() == b""

    def test_an_internal_error_says_nothing(self) -> None:
        pair = open_pair()
        pair.server.abort(TunnelGatewayError("/etc/secret"))
        pair.pass_all()
        received = failure_of(pair.client_events)
        assert isinstance(received, AlertReceivedError)
        assert received.name == "internal_error"
        assert "secret" not in received.text

    def test_what_was_written_before_an_alert_arrives_before_it(self) -> None:
        pair = open_pair()
        pair.server.send_data(b"first")
        pair.server.abort(errors.ShuttingDownError("stopping"))
        pair.pass_to_client()
        assert pair.client_events[0] == DataReceived(b"first")
        assert isinstance(failure_of(pair.client_events), AlertReceivedError)

    @pytest.mark.parametrize("body", [b"", b"\x01", b"\x01\x05abc", b"\x01\x00extra"])
    def test_a_malformed_alert_is_an_error_of_its_own(self, body: bytes) -> None:
        pair = open_pair()
        pair.client.receive_data(forged(pair.client, ContentType.ALERT, body))
        assert type(failure(pair.client)) is ProtocolViolationError


@pytest.mark.parametrize(("state", "role"), PLACES, ids=str)
class TestEverywhere:
    def test_the_end_of_the_socket(self, state: State, role: str) -> None:
        ours, _ = ends_in(state, role)
        ours.receive_eof()
        if state in (State.REMOTE_CLOSED, State.CLOSED):
            assert (ours.events_received(), ours.data_to_send()) == ([], b"")
        else:
            error = failure(ours)
            assert type(error) is TruncatedError
            assert str(error) == f"the connection ended while {state.value}"
            assert len(split_records(ours.data_to_send())) == (state is not State.LOCAL_CLOSED)

    def test_an_abort(self, state: State, role: str) -> None:
        ours, _ = ends_in(state, role)
        error = errors.ShuttingDownError("stopping")
        ours.abort(error)
        if state is State.CLOSED:
            assert (ours.events_received(), ours.data_to_send()) == ([], b"")
        else:
            assert failure(ours) is error
            silent = state is State.LOCAL_CLOSED
            assert len(split_records(ours.data_to_send())) == (not silent)

    def test_nothing_happens_after_a_failure(self, state: State, role: str) -> None:
        ours, _ = ends_in(state, role)
        ours.abort(errors.ShuttingDownError("stopping"))
        ours.events_received()
        ours.data_to_send()
        for data in (record(1, b"x"), record(2, bytes(20)), record(3, b"\x01\0"), b"\xff" * 9):
            ours.receive_data(data)
        ours.receive_eof()
        ours.expire(1e9)
        assert (ours.events_received(), ours.data_to_send()) == ([], b"")
        assert (ours.state, ours.next_deadline, ours.can_send) == (State.CLOSED, None, False)
        assert not ours._received


def test_no_bytes_change_nothing() -> None:
    for ours in (new_client(), new_server()):
        before = ours.state
        ours.receive_data(b"")
        assert ours.state is before
        assert ours.events_received() == []


def test_what_was_read_is_not_kept() -> None:
    pair = open_pair()
    pair.client.send_data(bytes(3 * MAX_PAYLOAD))
    stream = pair.client.data_to_send()
    pair.server.receive_data(stream[:-1])
    assert len(pair.server._received) == MAX_PAYLOAD + 3 + 9 - 1
    pair.server.receive_data(stream[-1:])
    assert len(pair.server._received) == 0


def test_keys_are_needed_before_anything_is_protected() -> None:
    """Not to be reached through the table of states; should that ever be wrong, nothing leaks."""
    with pytest.raises(ProtocolViolationError, match="no keys yet"):
        new_server()._send_protected(DATA, b"in clear?")
