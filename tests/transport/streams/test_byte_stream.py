"""What is said to be a ByteStream or an Observer is one, down to the names of the arguments."""

from __future__ import annotations

import inspect

import pytest

from tests.support.loopback import Witness
from tunnel_gateway.transport.streams.byte_stream import ByteStream, Observer
from tunnel_gateway.transport.streams.channel import Channel
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.stp_channel import StpChannel
from tunnel_gateway.transport.streams.stream import SocketStream


def methods(kind: type) -> dict[str, list[str]]:
    return {
        name: list(inspect.signature(member).parameters)
        for name, member in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        (ByteStream, SocketStream),
        (ByteStream, Channel),
        (ByteStream, StpChannel),
        (Observer, Inbox),
        (Observer, Channel),
        (Observer, StpChannel),
        (Observer, Witness),
    ],
)
def test_who_plays_which_role(role: type, kind: type) -> None:
    assert methods(role).items() <= methods(kind).items()


def test_every_call_is_described() -> None:
    for role in (ByteStream, Observer):
        assert methods(role)
        for name in methods(role):
            assert getattr(role, name).__doc__
