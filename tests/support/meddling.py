"""A session with someone in the middle who may change, keep, repeat or add records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.pair import (
    failure_of,
    new_client,
    new_server,
    split_records,
)
from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.protocol.alerts import AlertCode
from tunnel_gateway.protocol.client import ClientConnection
from tunnel_gateway.protocol.connection import Connection
from tunnel_gateway.protocol.events import (
    ClientAuthenticated,
    DataReceived,
    Event,
    Opened,
)
from tunnel_gateway.protocol.key_schedule import Transcript, finished_value
from tunnel_gateway.protocol.server import ServerConnection
from tunnel_gateway.protocol.states import State

# What each side says when it may.
SAID = {"client": [b"from the client", b"x" * 30], "server": [b"from the server", b"y" * 30]}
# The records of each side in an undisturbed session.
HELLO, AUTHENTICATION = 0, 1
READY = 2
RECORDS = {"client": 5, "server": 6}
OTHER = {"client": "server", "server": "client"}

# Takes the connection that is to receive a record, whose record it is, its place among the
# records of that side, and the record; gives what arrives.
Meddler = Callable[[Connection, str, int, bytes], Iterable[bytes]]


@dataclass
class Session:
    """Both ends and what each was told, by side."""

    ends: dict[str, Connection]
    events: dict[str, list[Event]] = field(default_factory=lambda: {"client": [], "server": []})

    def data(self, side: str) -> list[bytes]:
        """What the application at ``side`` was given."""
        return [event.data for event in self.events[side] if isinstance(event, DataReceived)]

    def error(self, side: str) -> TunnelGatewayError:
        """Why the connection at ``side`` failed."""
        error = failure_of(self.events[side])
        assert isinstance(error, TunnelGatewayError)
        return error

    def proven(self, side: str) -> bool:
        """Whether ``side`` took its peer for proven."""
        return any(isinstance(one, ClientAuthenticated | Opened) for one in self.events[side])


def play(meddle: Meddler, **ends: Any) -> Session:
    """Run a session to its end: proofs, two pieces of data each way, both closes, then EOF."""
    session = Session(
        {"client": ends.get("client") or new_client(), "server": ends.get("server") or new_server()}
    )
    counts = {"client": 0, "server": 0}
    while _carry(session, counts, "client", meddle) or _carry(session, counts, "server", meddle):
        pass
    for side, end in session.ends.items():
        end.receive_eof()
        _react(session, side)
    return session


def _carry(session: Session, counts: dict[str, int], side: str, meddle: Meddler) -> bool:
    target = session.ends[OTHER[side]]
    data = session.ends[side].data_to_send()
    for whole in split_records(data):
        for arriving in meddle(target, side, counts[side], whole):
            target.receive_data(arriving)
            _react(session, OTHER[side])
        counts[side] += 1
    return bool(data)


def _react(session: Session, side: str) -> None:
    end = session.ends[side]
    for event in end.events_received():
        session.events[side].append(event)
        if isinstance(event, ClientAuthenticated | Opened) and end.state is not State.CLOSED:
            if isinstance(end, ServerConnection):
                end.accept()
            for data in SAID[side]:
                end.send_data(data)
            end.send_close()


def untouched(target: Connection, side: str, index: int, whole: bytes) -> Iterator[bytes]:
    """Nobody in the middle."""
    yield whole


def check_ended(session: Session, victim: str) -> None:
    """Check that the victim has failed in a defined way and was given nothing false.

    Whatever was meddled with, an application sees a true beginning of what was said to it.
    """
    error = session.error(victim)
    assert error.code.upper() in AlertCode.__members__ or error.code in (
        "truncated",
        "alert_received",
    )
    assert session.ends[victim].state is State.CLOSED
    for side in ("client", "server"):
        data = session.data(side)
        assert data == SAID[OTHER[side]][: len(data)]


def finished_anew(target: Connection, body: bytes) -> bytes:
    """The authentication with the finished value that its receiver will compute."""
    assert isinstance(target, ClientConnection | ServerConnection)
    secrets = target._handshake
    secret = secrets.server if isinstance(target, ClientConnection) else secrets.client
    transcript = Transcript()
    transcript._digest = target._transcript._digest.copy()
    transcript.add(body[:-32])
    return body[:-32] + finished_value(secret, transcript.hash())
