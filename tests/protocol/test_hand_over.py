"""An open tunnel that somebody else carries on: nothing is lost between the two owners."""

from __future__ import annotations

import pytest

from tests.support.pair import ends_in, open_pair, split_records
from tunnel_gateway.errors import ProtocolViolationError
from tunnel_gateway.protocol.constants import RECORDS_PER_KEY, ContentType
from tunnel_gateway.protocol.record import Opener, Sealer, TrafficKeys
from tunnel_gateway.protocol.states import State

DATA = ContentType.DATA


def opener_of(keys: TrafficKeys) -> Opener:
    """Open from where the keys stand, as their new owner does."""
    sealer, opener = Sealer(keys.secret), Opener(keys.secret)
    for _ in range(RECORDS_PER_KEY - keys.left):
        opener.open(sealer.seal(DATA, b"x"))
    return opener


def sealer_of(keys: TrafficKeys) -> Sealer:
    sealer = Sealer(keys.secret)
    for _ in range(RECORDS_PER_KEY - keys.left):
        sealer.seal(DATA, b"x")
    return sealer


@pytest.mark.parametrize("records", [0, 1, 255, 256, 257, 600])
def test_the_records_go_on_where_they_were(records: int) -> None:
    pair = open_pair()
    for _ in range(records):
        pair.client.send_data(b"savol")
        pair.server.send_data(b"javob")
    pair.pass_all()
    pair.server_events.clear()
    tunnel = pair.server.hand_over()
    assert (tunnel.begun, tunnel.peer_closed) == (b"", False)

    pair.client.send_data(b"yangi savol")
    opened = opener_of(tunnel.received).open(pair.client.data_to_send())
    assert opened.data == b"yangi savol"
    pair.client_events.clear()
    pair.client.receive_data(sealer_of(tunnel.sent).seal(DATA, b"yangi javob"))
    (event,) = pair.client.events_received()
    assert getattr(event, "data", None) == b"yangi javob"


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_a_record_that_has_begun(size: int) -> None:
    pair = open_pair()
    pair.client.send_data(b"savol")
    whole = pair.client.data_to_send()
    pair.server.receive_data(whole[:size])
    tunnel = pair.server.hand_over()
    assert tunnel.begun == whole[:size]
    assert opener_of(tunnel.received).open(whole).data == b"savol"


def test_a_peer_that_has_closed() -> None:
    pair = open_pair()
    pair.client.send_close()
    pair.pass_all()
    assert pair.server.hand_over().peer_closed


def test_the_old_owner_has_nothing_left() -> None:
    pair = open_pair()
    server = pair.server
    tunnel = server.hand_over()
    assert server.state is State.CLOSED
    server.abort(ProtocolViolationError("late"))
    server.receive_eof()
    pair.client.send_data(b"kech")
    server.receive_data(pair.client.data_to_send())
    assert not server.data_to_send()
    assert server.events_received() == []
    for late in (server.send_close, server.hand_over):
        with pytest.raises(ProtocolViolationError):
            late()
    assert server._sealer is None
    assert server._opener is None
    assert "secret" not in repr(tunnel)
    assert repr(tunnel.sent.secret) not in repr(tunnel)


@pytest.mark.parametrize(
    "state", [state for state in State if state not in (State.OPEN, State.REMOTE_CLOSED)]
)
def test_only_an_open_tunnel_is_handed_over(state: State) -> None:
    role = "client" if state.name.startswith("CLIENT") else "server"
    ours, _ = ends_in(state, role)
    with pytest.raises(ProtocolViolationError, match="is handed over while"):
        ours.hand_over()


def test_what_is_left_to_do_is_done_first() -> None:
    pair = open_pair()
    pair.server.send_data(b"javob")
    with pytest.raises(ProtocolViolationError, match="something left to do"):
        pair.server.hand_over()
    pair.server.data_to_send()
    pair.client.send_data(b"savol")
    pair.server.receive_data(pair.client.data_to_send())
    with pytest.raises(ProtocolViolationError, match="something left to do"):
        pair.server.hand_over()
    pair.server.events_received()
    assert len(split_records(bytes(sealer_of(pair.server.hand_over().sent).seal(DATA, b"")))) == 1
