"""The faults of a peer in words: the tests of connections see them all where they happen."""

from __future__ import annotations

import pytest

from tunnel_gateway.errors import (
    BadRecordError,
    ProtocolViolationError,
    TruncatedError,
    TunnelGatewayError,
)
from tunnel_gateway.protocol import faults
from tunnel_gateway.protocol.constants import RecordType
from tunnel_gateway.protocol.states import State, Step, out_of_place


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (faults.unknown_type(9), ProtocolViolationError, "a record of the unknown type 9"),
        (
            faults.record_too_long(RecordType.HELLO, 65535),
            ProtocolViolationError,
            "a HELLO record of 65535 bytes",
        ),
        (faults.not_genuine(), BadRecordError, "a record does not open"),
        (faults.unknown_content(7), ProtocolViolationError, "a record of the unknown content 7"),
        (faults.empty_data(), ProtocolViolationError, "a data record without data"),
        (faults.close_with_payload(), ProtocolViolationError, "a close record with a payload"),
        (faults.alert_of_wrong_length(), ProtocolViolationError, "an alert of the wrong length"),
        (
            faults.truncated(State.LOCAL_CLOSED),
            TruncatedError,
            "the connection ended while closed on this side",
        ),
        (
            out_of_place(State.REMOTE_CLOSED, Step.RECEIVE_DATA),
            ProtocolViolationError,
            "data is out of place while closed on the other side",
        ),
    ],
)
def test_each_has_its_type_and_its_text(
    error: TunnelGatewayError, kind: type[TunnelGatewayError], text: str
) -> None:
    assert type(error) is kind
    assert str(error) == text
