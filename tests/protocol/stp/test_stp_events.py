"""The event that only STP has."""

from __future__ import annotations

from tests.support.stp_pair import StpPair
from tunnel_gateway.protocol.stp.stp_events import PeerClosed
from tunnel_gateway.protocol.stp.stp_states import StpState


def test_a_closed_connection_is_no_promise_that_all_has_come() -> None:
    pair = StpPair().open()
    pair.server.receive_eof()
    assert pair.server.events_received() == [PeerClosed()]
    assert pair.server.state is StpState.CLOSED
    assert pair.server.data_to_send() == b""
