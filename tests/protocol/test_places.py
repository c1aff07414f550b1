"""Everything that can come, in every state: in its place, or the end with a defined alert."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from tests.support.pair import (
    PLACES,
    alert_sent,
    ends_in,
    failure,
    forged,
    new_client,
    new_server,
    record,
    surroundings,
    validator,
)
from tunnel_gateway.errors import AlertReceivedError, BadRecordError, ProtocolViolationError
from tunnel_gateway.protocol.alerts import TEXTS, AlertCode
from tunnel_gateway.protocol.connection import Connection
from tunnel_gateway.protocol.constants import MAX_PAYLOAD, ContentType
from tunnel_gateway.protocol.events import CloseReceived, DataReceived
from tunnel_gateway.protocol.server import ServerConnection, ServerSettings
from tunnel_gateway.protocol.states import TRANSITIONS, State, Step

LIVING = [place for place in PLACES if place[0] is not State.CLOSED]
WITH_KEYS = [place for place in LIVING if "EXPECT_HELLO" not in place[0].name]
STEPS = {
    ContentType.HANDSHAKE: Step.RECEIVE_HANDSHAKE,
    ContentType.DATA: Step.RECEIVE_DATA,
    ContentType.CLOSE: Step.RECEIVE_CLOSE,
    ContentType.ALERT: Step.RECEIVE_ALERT,
}
everywhere = pytest.mark.parametrize(("state", "role"), LIVING, ids=str)
with_keys = pytest.mark.parametrize(("state", "role"), WITH_KEYS, ids=str)


def ends(error: type[Exception], ours: Connection, *, silent: bool = False) -> Any:
    """Check that ``ours`` has ended with ``error`` and has one alert for it, or is silent."""
    caught = failure(ours)
    assert type(caught) is error, caught
    code = getattr(AlertCode, getattr(error, "code", "").upper(), None)
    assert alert_sent(ours) == (None if silent else code)
    assert ours.state is State.CLOSED
    assert not ours._received
    return caught


@everywhere
class TestWithoutKeys:
    """What anyone can write into the connection."""

    @pytest.mark.parametrize("number", [0, 4, 0x16, ord("G"), ord(" "), 0x80, 255])
    def test_an_unknown_type(self, state: State, role: str, number: int) -> None:
        ours, _ = ends_in(state, role)
        ours.receive_data(record(number, b""))
        ends(ProtocolViolationError, ours, silent=state is State.LOCAL_CLOSED)

    @pytest.mark.parametrize(("number", "limit"), [(1, 1024), (2, 16393), (3, 257)])
    def test_a_size_over_the_limit_before_it_is_there(
        self, state: State, role: str, number: int, limit: int
    ) -> None:
        ours, _ = ends_in(state, role)
        ours.receive_data(bytes((number,)) + (limit + 1).to_bytes(2, "big"))
        ends(ProtocolViolationError, ours, silent=state is State.LOCAL_CLOSED)

    def test_a_clear_alert(self, state: State, role: str) -> None:
        ours, _ = ends_in(state, role)
        ours.receive_data(record(3, b"\x04\x06go\nout"))
        if (state, Step.RECEIVE_CLEAR_ALERT) in TRANSITIONS:
            error = ends(AlertReceivedError, ours)
            assert (error.name, error.text) == ("unknown_domain", TEXTS[AlertCode.UNKNOWN_DOMAIN])
        else:
            ends(ProtocolViolationError, ours, silent=state is State.LOCAL_CLOSED)

    @pytest.mark.parametrize("body", [b"", b"\x01", b"\x01\x02x"])
    def test_a_malformed_clear_alert(self, state: State, role: str, body: bytes) -> None:
        ours, _ = ends_in(state, role)
        ours.receive_data(record(3, body))
        ends(ProtocolViolationError, ours, silent=state is State.LOCAL_CLOSED)

    @pytest.mark.parametrize("body", [b"", b"\x01", b"EIMZ", bytes(1024)])
    def test_a_malformed_hello(self, state: State, role: str, body: bytes) -> None:
        ours, _ = ends_in(state, role)
        ours.receive_data(record(1, body))
        assert not [one for one in ours._events if isinstance(one, DataReceived)]
        error = failure(ours)
        assert error.code in ("protocol_error", "unsupported_version")  # type: ignore[attr-defined]

    def test_a_well_formed_hello(self, state: State, role: str) -> None:
        ours, _ = ends_in(state, role)
        server = new_server(seed="another")
        hello = new_client(seed="another").data_to_send()
        server.receive_data(hello)
        ours.receive_data(hello if role == "server" else server.data_to_send()[:102])
        if (state, Step.RECEIVE_HELLO) in TRANSITIONS:
            assert ours.events_received() == []
        else:
            ends(ProtocolViolationError, ours, silent=state is State.LOCAL_CLOSED)

    @pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 100])
    def test_a_protected_record_that_nobody_sealed(
        self, state: State, role: str, size: int
    ) -> None:
        ours, _ = ends_in(state, role)
        ours.receive_data(record(2, bytes(size)))
        error = ProtocolViolationError if ours._opener is None else BadRecordError
        ends(error, ours, silent=state is State.LOCAL_CLOSED)


@with_keys
class TestWithKeys:
    """What a peer can send that has the keys, and is perhaps authenticated."""

    @pytest.mark.parametrize("content", [0, 5, 255])
    def test_an_unknown_content(self, state: State, role: str, content: int) -> None:
        ours, _ = ends_in(state, role)
        ours.receive_data(forged(ours, content, b"x"))
        ends(ProtocolViolationError, ours, silent=state is State.LOCAL_CLOSED)

    def test_a_malformed_handshake_message(self, state: State, role: str) -> None:
        ours, _ = ends_in(state, role)
        ours.receive_data(forged(ours, ContentType.HANDSHAKE, b"\x01\xff\xff"))
        ends(ProtocolViolationError, ours, silent=state is State.LOCAL_CLOSED)

    @pytest.mark.parametrize(
        ("content", "payload"), [(ContentType.DATA, b""), (ContentType.CLOSE, b"x")]
    )
    def test_empty_data_and_a_close_with_a_payload(
        self, state: State, role: str, content: ContentType, payload: bytes
    ) -> None:
        ours, _ = ends_in(state, role)
        ours.receive_data(forged(ours, content, payload))
        ends(ProtocolViolationError, ours, silent=state is State.LOCAL_CLOSED)

    def test_data_and_close_count_where_the_table_says_so(self, state: State, role: str) -> None:
        for content, payload, event in (
            (ContentType.DATA, b"x" * MAX_PAYLOAD, DataReceived(b"x" * MAX_PAYLOAD)),
            (ContentType.CLOSE, b"", CloseReceived()),
        ):
            ours, _ = ends_in(state, role)
            ours.receive_data(forged(ours, content, payload))
            allowed = (state, STEPS[content]) in TRANSITIONS
            assert (ours.events_received() == [event]) is allowed

    def test_an_alert_where_the_table_says_so(self, state: State, role: str) -> None:
        ours, _ = ends_in(state, role)
        ours.receive_data(forged(ours, ContentType.ALERT, b"\x10\x02no"))
        if (state, Step.RECEIVE_ALERT) in TRANSITIONS:
            assert ends(AlertReceivedError, ours).name == "timed_out"
        else:
            ends(ProtocolViolationError, ours)


@pytest.mark.parametrize(
    ("state", "role", "content"),
    [
        (state, role, content)
        for (state, role), content in itertools.product(WITH_KEYS, ContentType)
        if (state, STEPS[content]) not in TRANSITIONS
    ],
    ids=str,
)
def test_every_content_out_of_its_place(state: State, role: str, content: ContentType) -> None:
    ours, _ = ends_in(state, role)
    ours.receive_data(forged(ours, content, b""))
    error = ends(ProtocolViolationError, ours, silent=state is State.LOCAL_CLOSED)
    assert "out of place" in str(error)


FOREIGN = [
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32), "speaks TLS"),
    (b"GET / HTTP/1.1\r\nHost: example.uz\r\n\r\n", "speaks text"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks text"),
    (b"SSH-2.0-OpenSSH_9.6\r\n", "speaks text"),
    (b"\x00\x0e8\xa3\x8f", "unknown type 0"),
]


@pytest.mark.parametrize(("data", "reason"), FOREIGN, ids=["TLS", "GET", "HTTP/1.1", "SSH", "VPN"])
@pytest.mark.parametrize("state", [State.SERVER_EXPECT_HELLO, State.CLIENT_EXPECT_HELLO])
def test_another_protocol_is_told_apart(data: bytes, reason: str, state: State) -> None:
    ours, _ = ends_in(state, "client" if "CLIENT" in state.name else "server")
    ours.receive_data(data)
    assert reason in str(ends(ProtocolViolationError, ours))


@pytest.mark.parametrize("data", [b"BALANCER 1", b"BALANCER of today", b"BAL"])
def test_the_caller_knows_other_protocols(data: bytes) -> None:
    outside = dataclasses.replace(
        surroundings("server"), other_protocols={b"OTHER": "no", b"BALANCER ": "a balancer"}
    )
    ours = ServerConnection(ServerSettings(lambda _: None, validator()), outside)
    ours.receive_data(data)
    assert str(ends(ProtocolViolationError, ours)) == "a balancer"
