"""An open tunnel that is joined to a plain socket, and what stands at its two ends.

The handshake is over before, in memory. The relay is of one of the ``KINDS``: what a relay does
is the same, whoever carries the bytes.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.support.loopback import (
    TIME_LIMIT,
    receive,
    reset,
    send,
    stream_and_socket,
)
from tests.support.pair import open_pair
from tunnel_gateway.agent.pages.page_stream import PAGE_SIDE, PageStream
from tunnel_gateway.dataplane.joining import join
from tunnel_gateway.dataplane.plane import DataPlane
from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import DestinationUnreachableError, ShuttingDownError
from tunnel_gateway.protocol.connection import Connection
from tunnel_gateway.protocol.events import CloseReceived, DataReceived, Failed
from tunnel_gateway.transport.streams.channel import Channel
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.relay import RelayEnd, Relaying, RelayLimits
from tunnel_gateway.transport.streams.stp_channel import StpChannel
from tunnel_gateway.transport.streams.stream import SocketStream

BROKE_OFF = DestinationUnreachableError("the destination broke off")
OPTIONS: dict[str, Any] = {
    "socket_lost": EndReason.DESTINATION_LOST,
    "on_socket_lost": BROKE_OFF,
}
Carrier = Callable[[Channel | StpChannel, SocketStream, RelayLimits], Relaying]


class End(Protocol):
    """One end of what is joined: data in both directions, each of which ends on its own."""

    async def send(self, data: bytes) -> None:
        """Send data."""

    async def receive(self) -> bytes:
        """Receive data, ``b""`` at their proper end. Raises what broke them off."""

    async def finish(self) -> None:
        """End the data of this end."""

    def reset(self) -> None:
        """Leave as a killed process does."""


@dataclass
class PlainEnd:
    """The application's end."""

    socket: socket.socket

    async def send(self, data: bytes) -> None:
        await send(self.socket, data)

    async def receive(self) -> bytes:
        return await receive(self.socket, 2**18)

    async def finish(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        reset(self.socket)


@dataclass
class TunnelEnd:
    """The client's end: everything passes through its ``connection``."""

    socket: socket.socket
    connection: Connection
    data: bytearray = field(default_factory=bytearray)
    ended: bool = False

    async def send(self, data: bytes) -> None:
        self.connection.send_data(data)
        await self.flush()

    async def flush(self) -> None:
        """Send what the connection has to send."""
        await send(self.socket, bytes(self.connection.data_to_send()))

    async def receive(self) -> bytes:
        while not self.data and not self.ended:
            await self._receive()
        data = bytes(self.data)
        self.data.clear()
        return data

    async def finish(self) -> None:
        self.connection.send_close()
        await self.flush()

    def reset(self) -> None:
        reset(self.socket)

    async def _receive(self) -> None:
        if data := await receive(self.socket, 2**18):
            self.connection.receive_data(data)
        else:
            self.connection.receive_eof()
        for event in self.connection.events_received():
            if isinstance(event, DataReceived):
                self.data += event.data
            elif isinstance(event, CloseReceived):
                self.ended = True
            elif isinstance(event, Failed):
                raise event.error


async def receive_all(end: End) -> bytes:
    """Receive to the proper end of the data."""
    found = bytearray()
    while data := await end.receive():
        found += data
    return bytes(found)


@dataclass
class Joined:
    """A running relay with its two ends."""

    relay: Relaying
    client: TunnelEnd
    plain: PlainEnd
    running: asyncio.Task[RelayEnd]
    channel: Channel
    stream: SocketStream
    server: Connection

    def ends(self, first: str) -> tuple[End, End]:
        """Return both ends, ``first`` first: "client" or "plain"."""
        return (self.client, self.plain) if first == "client" else (self.plain, self.client)

    async def end(self) -> RelayEnd:
        async with asyncio.timeout(TIME_LIMIT):
            return await self.running


def carrier_with(plane: DataPlane | None) -> Carrier:
    """Make relays that ``plane`` carries, or Python without one."""

    def carry(channel: Channel | StpChannel, stream: SocketStream, limits: RelayLimits) -> Relaying:
        options = dict(OPTIONS)
        if isinstance(stream, PageStream):
            options |= {"farewell": stream.farewell, "page": PAGE_SIDE}
        return join(plane, channel, stream, limits, **options)

    return carry


@contextmanager
def native_carrier(workers: int = 2) -> Iterator[Carrier]:
    """Make relays that a data plane carries."""
    plane = DataPlane(workers, BROKE_OFF)
    try:
        yield carrier_with(plane)
        assert len(plane) == 0, "a tunnel was left in the plane"
    finally:
        plane.close()


@contextmanager
def carrier_of(kind: str) -> Iterator[Carrier]:
    """Make relays of a kind: "python" or "native"."""
    if kind == "python":
        yield carrier_with(None)
    else:
        with native_carrier() as carrier:
            yield carrier


KINDS = ("python", "native")


@asynccontextmanager
async def joined(
    carrier: Carrier,
    *,
    idle: float = 60.0,
    half_close: float = 60.0,
    lifetime: float = 0.0,
    bandwidth: int = 0,
    before: bytes = b"",
    plain_side: type[SocketStream] = SocketStream,
) -> AsyncIterator[Joined]:
    """Run a relay between a tunnel and a plain socket.

    ``before`` comes from both ends before it runs. ``plain_side`` is PageStream for a page.
    """
    pair = open_pair()
    client_stream, client_socket = await stream_and_socket()
    stream, plain_socket = await stream_and_socket(plain_side)
    client, plain = TunnelEnd(client_socket, pair.client), PlainEnd(plain_socket)
    with ThreadPoolExecutor(1) as unused:
        channel = Channel(client_stream, pair.server, unused)
    inbox = Inbox(channel)
    channel.open(inbox)
    if before:
        for end, waiting in ((client, inbox), (plain, stream.inbox)):
            await end.send(before)
            waiting.unread(await waiting.receive())
    relay = carrier(channel, stream, RelayLimits(idle, half_close, lifetime, bandwidth))
    running = asyncio.create_task(relay.run(inbox, stream.inbox))
    try:
        yield Joined(relay, client, plain, running, channel, stream, pair.server)
    finally:
        relay.stop(ShuttingDownError("the test is over"))
        client_socket.close()
        plain_socket.close()
        async with asyncio.timeout(TIME_LIMIT):
            await asyncio.wait((running,))
            await relay.wait_closed()
