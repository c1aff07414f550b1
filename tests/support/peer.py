"""The user's side of the protocol on a blocking socket: for what the agent never does."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Self

from tests.support.credentials import Credentials
from tests.support.processes import LOOPBACK, TIME_LIMIT, Gateway
from tunnel_gateway.errors import AlertReceivedError
from tunnel_gateway.protocol.client import ClientConnection, ClientSettings
from tunnel_gateway.protocol.connection import Surroundings
from tunnel_gateway.protocol.events import CloseReceived, DataReceived, Event, Failed, Opened

UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: example.uz\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    b"Origin: https://example.uz\r\n\r\n"
)


class Peer:
    """A client of a gateway, one step at a time."""

    def __init__(
        self, address: tuple[str, int], settings: ClientSettings, source: str = LOOPBACK
    ) -> None:
        self.socket = socket.create_connection(address, TIME_LIMIT, (source, 0))
        host, port = self.socket.getsockname()[:2]
        self.name = f"{host}:{port}"
        self.connection = ClientConnection(
            settings, Surroundings(os.urandom, datetime.now(UTC), deadline=0.0)
        )
        self.tunnel_id = ""
        self._events: list[Event] = []

    @classmethod
    @contextmanager
    def of(
        cls,
        gateway: Gateway,
        credentials: Credentials,
        source: str = LOOPBACK,
        **settings: Any,
    ) -> Iterator[Self]:
        """Connect to a gateway, from any address of the loopback."""
        peer = cls(gateway.address, credentials.settings(**settings), source)
        with peer.socket:
            yield peer

    def flush(self) -> None:
        """Send what the connection has to send."""
        if data := self.connection.data_to_send():
            self.socket.sendall(data)

    def event(self) -> Event:
        """Send what there is to send, and return the next event."""
        while not self._events:
            self.flush()
            data = self.socket.recv(65536)
            if data:
                self.connection.receive_data(data)
            else:
                self.connection.receive_eof()
            self._events += self.connection.events_received()
            assert data or self._events, "the socket ended without a word"
        return self._events.pop(0)

    def open(self) -> bytes:
        """Go through the handshake and return the tunnel id."""
        event = self.event()
        assert isinstance(event, Opened), event
        self.tunnel_id = event.tunnel_id.hex()
        return event.tunnel_id

    def alert(self) -> str:
        """Wait for the end, which must be an alert, and return its name."""
        while not isinstance(event := self.event(), Failed):
            pass
        assert isinstance(event.error, AlertReceivedError), repr(event.error)
        return event.error.name

    def send(self, data: bytes) -> None:
        """Send bytes of the stream."""
        self.connection.send_data(data)
        self.flush()

    def send_close(self) -> None:
        """End our data."""
        self.connection.send_close()
        self.flush()

    def data(self, size: int) -> bytes:
        """Return exactly so many bytes of the stream."""
        found = bytearray()
        while len(found) < size:
            event = self.event()
            assert isinstance(event, DataReceived), event
            found += event.data
        assert len(found) == size
        return bytes(found)

    def data_to_close(self) -> bytes:
        """Return the bytes of the stream up to the close record."""
        found = bytearray()
        while isinstance(event := self.event(), DataReceived):
            found += event.data
        assert isinstance(event, CloseReceived), event
        return bytes(found)

    def upgrade(self) -> None:
        """Send an upgrade request."""
        self.send(UPGRADE)
