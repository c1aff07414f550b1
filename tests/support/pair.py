"""Both ends of a tunnel joined in memory: no socket, and the same bytes in every run.

The certificates are those of the process; all else follows from the seeds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from tests.support.entropy import Entropy
from tests.support.pki import NOW, authority, domain, user
from tunnel_gateway.errors import BadRecordError
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.client import ClientConnection, ClientSettings
from tunnel_gateway.protocol.connection import Connection, Surroundings
from tunnel_gateway.protocol.constants import RECORDS_PER_KEY, ContentType, RecordType
from tunnel_gateway.protocol.events import ClientAuthenticated, Event, Failed
from tunnel_gateway.protocol.record import Opener, Sealer
from tunnel_gateway.protocol.server import ServerConnection, ServerSettings
from tunnel_gateway.protocol.states import State

SERVER_NAME = "example.uz"
DST_ID = "buyurtmalar"
DEADLINE = 10.0

domain_identity = functools.cache(functools.partial(domain, SERVER_NAME))
user_identity = functools.cache(user)


@functools.cache
def validator() -> ChainValidator:
    """Trusts the authority of the tests; remembers chains, as in the daemon."""
    return ChainValidator([authority().root.leaf])


def surroundings(seed: str, at: datetime = NOW) -> Surroundings:
    """Entropy from ``seed``, the time of the tests, and DEADLINE."""
    return Surroundings(entropy=Entropy(seed), validation_time=at, deadline=DEADLINE)


def entropy_of(connection: Connection) -> list[bytes]:
    """The random bytes that a connection has asked for, in order."""
    entropy = connection._surroundings.entropy
    assert isinstance(entropy, Entropy)
    return entropy.given


def new_client(
    *,
    seed: str = "client",
    server_name: str = SERVER_NAME,
    dst_id: str = DST_ID,
    identity: Identity | None = None,
    trusting: ChainValidator | None = None,
    at: datetime = NOW,
) -> ClientConnection:
    """A client; its hello waits to be sent."""
    settings = ClientSettings(
        server_name=server_name,
        dst_id=dst_id,
        identity=identity or user_identity(),
        validator=trusting or validator(),
    )
    return ClientConnection(settings, surroundings(seed, at))


def new_server(
    *,
    seed: str = "server",
    identity: Identity | None = None,
    identity_for: Callable[[str], Identity | None] | None = None,
    trusting: ChainValidator | None = None,
    at: datetime = NOW,
) -> ServerConnection:
    """A gateway that serves every domain with one certificate, unless told otherwise."""
    settings = ServerSettings(
        identity_for=identity_for or (lambda name: identity or domain_identity()),
        validator=trusting or validator(),
    )
    return ServerConnection(settings, surroundings(seed, at))


@dataclass
class Pair:
    """A client and a server; ``pass_all`` carries bytes and keeps them, and the events."""

    client: ClientConnection = field(default_factory=new_client)
    server: ServerConnection = field(default_factory=new_server)
    from_client: bytearray = field(default_factory=bytearray)
    from_server: bytearray = field(default_factory=bytearray)
    client_events: list[Event] = field(default_factory=list)
    server_events: list[Event] = field(default_factory=list)

    def pass_all(self) -> None:
        """Carry bytes both ways until both sides are silent."""
        while self.pass_to_server() or self.pass_to_client():
            pass

    def pass_to_server(self) -> bytes:
        """Carry what the client has to send; returns it."""
        data = self.client.data_to_send()
        self.from_client += data
        self.server.receive_data(data)
        self.server_events += self.server.events_received()
        return data

    def pass_to_client(self) -> bytes:
        """Carry what the server has to send; returns it."""
        data = self.server.data_to_send()
        self.from_server += data
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

    def open(self) -> Pair:
        """Run the whole handshake; leaves Opened in ``client_events``."""
        self.authenticate()
        self.server.accept()
        self.pass_all()
        assert self.client.state is self.server.state is State.OPEN
        return self


def open_pair(**ends: Any) -> Pair:
    """An open tunnel without events left over."""
    pair = Pair(**ends).open()
    pair.client_events.clear()
    return pair


@dataclass(frozen=True)
class Recording:
    """The records of a whole session, each with its header.

    ``proofs`` are the client's hello and authentication; its data and close follow in ``rest``
    once the server has said ready. ``answers`` are all of the server's.
    """

    proofs: list[bytes]
    rest: list[bytes]
    answers: list[bytes]


@functools.cache
def recording() -> Recording:
    """A session of ``new_client()`` and ``new_server()``: new ones will repeat it."""
    pair = Pair().open()
    proofs = split_records(bytes(pair.from_client))
    for end in (pair.client, pair.server):
        end.send_data(b"first")
        end.send_data(b"second " * 20)
        end.send_close()
    pair.pass_all()
    assert pair.client.state is State.CLOSED
    everything = split_records(bytes(pair.from_client))
    return Recording(proofs, everything[2:], split_records(bytes(pair.from_server)))


def split_records(stream: bytes) -> list[bytes]:
    """Cut a stream of whole records into them, headers included."""
    found = []
    while stream:
        size = 3 + int.from_bytes(stream[1:3], "big")
        found.append(stream[:size])
        stream = stream[size:]
    return found


def record(number: int, fragment: bytes) -> bytes:
    """A record of any type and content."""
    return bytes((number,)) + len(fragment).to_bytes(2, "big") + fragment


def both_ends(direction: Sealer | Opener, number: int) -> tuple[Sealer, Opener]:
    """Both ends of a direction under its present key, where the next record has ``number``."""
    sealer, opener = Sealer(direction._secret), Opener(direction._secret)
    for _ in range(number):
        assert opener.open(sealer.seal(ContentType.DATA, b"x")).data == b"x"
    return sealer, opener


def open_one(opener: Opener, whole: Buffer) -> tuple[int, bytes]:
    """Content and payload of one record, header included; raises BadRecordError."""
    result = opener.open(whole)
    if result.taken != len(whole):
        raise BadRecordError("a record does not open")
    return result.other or (ContentType.DATA, bytes(result.data))


def forged(connection: Connection, content: int, payload: bytes) -> bytes:
    """A record that ``connection`` would open next: what a peer that has the keys can send."""
    opener = connection._opener
    assert opener is not None
    sealer, _ = both_ends(opener, RECORDS_PER_KEY - opener._left)
    return bytes(sealer.seal(cast("ContentType", content), payload))


def opened(connection: Connection, stream: bytes) -> list[tuple[int, bytes]]:
    """Content and payload of the records that ``connection`` is to receive next."""
    known = connection._opener
    assert known is not None
    _, opener = both_ends(known, RECORDS_PER_KEY - known._left)
    return [open_one(opener, whole) for whole in split_records(stream)]


def alert_sent(connection: Connection) -> int | None:
    """The code of the alert that ``connection`` has to send, which must be all; None for none."""
    stream = connection.data_to_send()
    if not stream:
        return None
    (whole,) = split_records(stream)
    if whole[0] == RecordType.ALERT:
        return whole[3]
    sealer = connection._sealer
    assert sealer is not None
    _, opener = both_ends(sealer, RECORDS_PER_KEY - sealer._left - 1)
    content, payload = open_one(opener, whole)
    assert content == ContentType.ALERT
    return payload[0]


def failure(connection: Connection) -> Exception:
    """The error of the one Failed event, which must be the last event."""
    return failure_of(connection.events_received())


def failure_of(events: list[Event]) -> Exception:
    """The error of the one Failed event, which must be the last of ``events``."""
    assert events, "nothing happened"
    assert [isinstance(event, Failed) for event in events].count(True) == 1, events
    last = events[-1]
    assert isinstance(last, Failed), events
    return last.error


HANDSHAKE_STATES = (
    State.CLIENT_EXPECT_HELLO,
    State.CLIENT_EXPECT_AUTHENTICATION,
    State.CLIENT_EXPECT_READY,
    State.SERVER_EXPECT_HELLO,
    State.SERVER_EXPECT_AUTHENTICATION,
    State.SERVER_AUTHORIZING,
)


CLIENT_STATES = HANDSHAKE_STATES[:3]
SERVER_STATES = HANDSHAKE_STATES[3:]
LATER_STATES = (State.OPEN, State.LOCAL_CLOSED, State.REMOTE_CLOSED, State.CLOSED)
# Every state with whose end is in it.
PLACES = [
    *((state, "client") for state in (*CLIENT_STATES, *LATER_STATES)),
    *((state, "server") for state in (*SERVER_STATES, *LATER_STATES)),
]


def ends_in(state: State, role: str) -> tuple[Connection, Connection]:
    """The connection of ``role`` in ``state`` and its peer, with nothing left to send or to tell.

    What the peer has sent beyond ``state`` is lost.
    """
    pair = Pair()
    client, server = pair.client, pair.server
    ours, theirs = (client, server) if role == "client" else (server, client)
    if "EXPECT_HELLO" not in state.name:
        pair.pass_to_server()
        if state is State.CLIENT_EXPECT_AUTHENTICATION:
            client.receive_data(split_records(server.data_to_send())[0])
        elif state is not State.SERVER_EXPECT_AUTHENTICATION:
            pair.pass_to_client()
            if state is not State.CLIENT_EXPECT_READY:
                pair.pass_to_server()
    if state not in HANDSHAKE_STATES:
        server.accept()
        pair.pass_all()
    if state in (State.LOCAL_CLOSED, State.CLOSED):
        ours.send_close()
    if state in (State.REMOTE_CLOSED, State.CLOSED):
        theirs.send_close()
    if state in (State.LOCAL_CLOSED, State.REMOTE_CLOSED, State.CLOSED):
        pair.pass_all()
    for end in (client, server):
        end.data_to_send()
        end.events_received()
    assert ours.state is state
    return ours, theirs
