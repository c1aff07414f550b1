"""The events: facts that do not change, with nothing secret in them."""

from __future__ import annotations

import dataclasses

import pytest

from tests.support.pair import DST_ID, SERVER_NAME, Pair, domain_identity, new_server, user_identity
from tunnel_gateway.errors import TimedOutError
from tunnel_gateway.protocol.events import (
    ClientAuthenticated,
    CloseReceived,
    DataReceived,
    Failed,
    Opened,
)


def test_what_the_gateway_learns() -> None:
    event = Pair().authenticate()
    assert type(event) is ClientAuthenticated
    assert event.peer.leaf == user_identity().leaf
    assert (event.server_name, event.dst_id) == (SERVER_NAME, DST_ID)
    assert len(event.tunnel_id) == 16


def test_what_the_client_learns() -> None:
    pair = Pair()
    tunnel_id = pair.authenticate().tunnel_id
    pair.server.accept()
    pair.pass_all()
    (event,) = pair.client_events
    assert type(event) is Opened
    assert event.peer.leaf == domain_identity().leaf
    assert event.tunnel_id == tunnel_id


def test_every_tunnel_has_an_id_of_its_own() -> None:
    first, again = Pair().authenticate(), Pair().authenticate()
    other = Pair(server=new_server(seed="another")).authenticate()
    assert first.tunnel_id == again.tunnel_id  # the same entropy gives the same tunnel
    assert first.tunnel_id != other.tunnel_id


@pytest.mark.parametrize(
    "event", [DataReceived(b"x"), CloseReceived(), Failed(TimedOutError("late"))]
)
def test_an_event_does_not_change(event: object) -> None:
    for field in dataclasses.fields(event):  # type: ignore[arg-type]
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, field.name, None)
    with pytest.raises((AttributeError, TypeError)):
        event.more = 1  # type: ignore[attr-defined]
