"""The ends of the data plane in the words of the relay; test_relaying.py sees them happen."""

from __future__ import annotations

import errno

import pytest

from tunnel_gateway.dataplane._native._plane import lib
from tunnel_gateway.dataplane.endings import Ending, relay_end
from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import AlertReceivedError, OverloadedError, ShuttingDownError
from tunnel_gateway.transport.streams.relay import RelayEnd

STOP = ShuttingDownError("the gateway is stopping")


def told(reason: int, detail: int = 0, number: int = 0, body: bytes = b"") -> RelayEnd:
    ending = Ending(reason, detail, number, body)
    return relay_end(ending, EndReason.DESTINATION_LOST, STOP)


def test_ordinary_ends() -> None:
    assert told(lib.PLANE_COMPLETED) == RelayEnd("completed")
    assert told(lib.PLANE_PEER_LEFT) == RelayEnd("peer_left")
    assert told(lib.PLANE_STOPPED) == RelayEnd("shutting_down", STOP)


@pytest.mark.parametrize(
    ("reason", "word"),
    [(lib.PLANE_PEER_LOST, "peer_lost"), (lib.PLANE_SOCKET_LOST, "destination_lost")],
)
def test_a_lost_side(reason: int, word: str) -> None:
    end = told(reason, number=errno.ECONNRESET)
    assert end.reason == word
    assert isinstance(end.error, ConnectionResetError)
    assert str(end.error) == "[Errno 104] Connection reset by peer"
    assert told(reason) == RelayEnd(word)


@pytest.mark.parametrize(
    ("reason", "word", "text"),
    [
        (lib.PLANE_IDLE, "idle_timeout", "the idle time-out was reached"),
        (lib.PLANE_HALF_CLOSE, "half_close_timeout", "the half-close time-out was reached"),
        (lib.PLANE_LIFETIME, "lifetime_timeout", "the lifetime time-out was reached"),
        (lib.PLANE_BAD_RECORD, "bad_record", "a record does not open"),
        (lib.PLANE_EMPTY_DATA, "protocol_error", "a data record without data"),
        (lib.PLANE_CLOSE_PAYLOAD, "protocol_error", "a close record with a payload"),
        (lib.PLANE_ALERT_LENGTH, "protocol_error", "an alert of the wrong length"),
    ],
)
def test_an_end_without_numbers(reason: int, word: str, text: str) -> None:
    end = told(reason)
    assert (end.reason, str(end.error)) == (word, text)


@pytest.mark.parametrize(
    ("reason", "detail", "number", "text"),
    [
        (lib.PLANE_UNKNOWN_TYPE, 0, 71, "a record of the unknown type 71"),
        (lib.PLANE_UNKNOWN_CONTENT, 0, 9, "a record of the unknown content 9"),
        (lib.PLANE_RECORD_SIZE, 2, 65535, "a PROTECTED record of 65535 bytes"),
        (
            lib.PLANE_OUT_OF_PLACE,
            lib.PLANE_REMOTE_CLOSED,
            lib.PLANE_STEP_DATA,
            "data is out of place while closed on the other side",
        ),
        (
            lib.PLANE_OUT_OF_PLACE,
            lib.PLANE_OPEN,
            lib.PLANE_STEP_CLEAR_ALERT,
            "an alert in the clear is out of place while open",
        ),
    ],
)
def test_a_violation_with_its_numbers(reason: int, detail: int, number: int, text: str) -> None:
    end = told(reason, detail, number)
    assert (end.reason, str(end.error)) == ("protocol_error", text)


def test_a_truncation_says_when() -> None:
    end = told(lib.PLANE_TRUNCATED, lib.PLANE_LOCAL_CLOSED)
    assert end.reason == "truncated"
    assert str(end.error) == "the connection ended while closed on this side"


def test_an_alert_is_read() -> None:
    end = told(lib.PLANE_ALERT, body=b"\x11\x03bye")
    assert end.reason == "alert_received"
    assert isinstance(end.error, AlertReceivedError)
    assert (end.error.name, end.error.text) == ("shutting_down", "bye")


def test_a_full_machine() -> None:
    assert isinstance(told(lib.PLANE_OVERLOADED).error, OverloadedError)


def test_every_reason_has_its_words() -> None:
    """A reason that plane.h gets and this file does not would break the loop."""
    first, last = lib.PLANE_COMPLETED, lib.PLANE_ALERT_LENGTH
    for reason in range(first, last + 1):
        assert told(reason, detail=1, number=1, body=b"\x01\x00").reason
