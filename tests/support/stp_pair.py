"""Both ends of an STP tunnel joined in memory, with a clock that only the test moves."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tests.support.entropy import Entropy
from tests.support.pki import NOW, authority, domain, user
from tunnel_gateway.gost.curves import Curve
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer
from tunnel_gateway.protocol.events import ClientAuthenticated, Failed
from tunnel_gateway.protocol.stp.stp_client import StpClientConnection, StpClientSettings
from tunnel_gateway.protocol.stp.stp_connection import StpConnection, StpSurroundings
from tunnel_gateway.protocol.stp.stp_constants import DEFAULT_MODES, Mode
from tunnel_gateway.protocol.stp.stp_events import StpEvent
from tunnel_gateway.protocol.stp.stp_server import (
    StpDomain,
    StpServerConnection,
    StpServerSettings,
)
from tunnel_gateway.protocol.stp.stp_states import StpState

SERVER_NAME = "example.uz"
DST_ID = 7

stp_domain = functools.cache(functools.partial(domain, SERVER_NAME))
stp_user = functools.cache(user)


@functools.cache
def stp_validator() -> ChainValidator:
    """Trusts the authorities that issue users and domains, as an operator of STP has to."""
    return ChainValidator([authority().root.leaf, *stp_user().chain[1:], *stp_domain().chain[1:]])


@dataclass
class Clock:
    """Seconds that only move when the test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def verify_user(der: bytes, at: datetime) -> VerifiedPeer:
    """Prove a user's certificate."""
    return stp_validator().verify_client([der], at)


def verify_domain(der: bytes, at: datetime) -> VerifiedPeer:
    """Prove the certificate of SERVER_NAME."""
    return stp_validator().verify_server([der], at, SERVER_NAME)


def new_stp_server(
    *,
    clock: Clock | None = None,
    verify: Callable[[bytes, datetime], VerifiedPeer] = verify_user,
    domain_for: Callable[[Curve, int], StpDomain | None] | None = None,
    modes: frozenset[Mode] = DEFAULT_MODES,
    at: datetime = NOW,
) -> StpServerConnection:
    """A gateway that serves SERVER_NAME for every dst_id, unless told otherwise."""
    serves = domain_for or (lambda curve, dst_id: StpDomain(SERVER_NAME, stp_domain()))
    surroundings = StpSurroundings(Entropy("server"), at, clock or Clock())
    return StpServerConnection(StpServerSettings(verify, serves, modes), surroundings)


def new_stp_client(
    *,
    clock: Clock | None = None,
    identity: Identity | None = None,
    dst_id: int = DST_ID,
    verify: Callable[[bytes, datetime], VerifiedPeer] = verify_domain,
    modes: frozenset[Mode] = DEFAULT_MODES,
    at: datetime = NOW,
) -> StpClientConnection:
    """A client; its hello waits to be sent."""
    settings = StpClientSettings(dst_id, identity or stp_user(), verify, modes)
    return StpClientConnection(settings, StpSurroundings(Entropy("client"), at, clock or Clock()))


@dataclass
class StpPair:
    """A client and a server of one clock; ``pass_all`` carries bytes, and keeps the events."""

    clock: Clock = field(default_factory=Clock)
    client: StpClientConnection = field(init=False)
    server: StpServerConnection = field(init=False)
    client_events: list[StpEvent] = field(default_factory=list)
    server_events: list[StpEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = new_stp_client(clock=self.clock)
        self.server = new_stp_server(clock=self.clock)

    def pass_all(self) -> None:
        """Carry bytes both ways until both sides are silent."""
        while self.pass_to_server() or self.pass_to_client():
            pass

    def pass_to_server(self) -> bytes:
        """Carry what the client has to send; returns it."""
        data = self.client.data_to_send()
        self.server.receive_data(data)
        self.server_events += self.server.events_received()
        return data

    def pass_to_client(self) -> bytes:
        """Carry what the server has to send; returns it."""
        data = self.server.data_to_send()
        self.client.receive_data(data)
        self.client_events += self.client.events_received()
        return data

    def authenticate(self) -> ClientAuthenticated:
        """Run the handshake up to the server's decision."""
        self.pass_all()
        (event,) = self.server_events
        assert isinstance(event, ClientAuthenticated), event
        self.server_events.clear()
        return event

    def open(self) -> StpPair:
        """Run the whole handshake; leaves Opened in ``client_events``."""
        self.authenticate()
        self.server.accept()
        self.pass_all()
        assert self.client.state is self.server.state is StpState.OPEN
        return self


def stp_failure(connection: StpConnection) -> Exception:
    """The error of the one event, which is a failure."""
    (event,) = connection.events_received()
    assert isinstance(event, Failed), event
    return event.error
