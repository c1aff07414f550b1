"""Streams over the loopback inside one process and one event loop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.support.credentials import Credentials
from tunnel_gateway.protocol.client import ClientConnection
from tunnel_gateway.protocol.connection import Surroundings
from tunnel_gateway.protocol.server import ServerConnection, ServerSettings
from tunnel_gateway.transport.streams.channel import Channel
from tunnel_gateway.transport.streams.stream import SocketStream

LOOPBACK = "127.0.0.1"
TIME_LIMIT = 60.0  # for a machine with much else to do
RESET = b"\1\0\0\0\0\0\0\0"


class Witness:
    """An observer that remembers: ``data``, and the names of everything else in ``calls``."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.calls: list[str] = []
        self.error: Exception | None = None
        self._changed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.data += data
        self._changed.set()

    def eof_received(self) -> None:
        self._note("eof")

    def pause_writing(self) -> None:
        self._note("pause")

    def resume_writing(self) -> None:
        self._note("resume")

    def connection_lost(self, error: Exception | None) -> None:
        self.error = error
        self._note("lost")

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self._changed.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until ``condition`` is true, asked again after every call."""
        async with asyncio.timeout(TIME_LIMIT):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def saw(self, call: str) -> None:
        """Wait for a call."""
        await self.until(lambda: call in self.calls)

    async def received(self, size: int) -> bytes:
        """Wait for so many bytes and take them."""
        await self.until(lambda: len(self.data) >= size)
        data = bytes(self.data[:size])
        del self.data[:size]
        return data


async def stream_and_socket(
    kind: type[SocketStream] = SocketStream, **options: int
) -> tuple[SocketStream, socket.socket]:
    """Return a stream of this ``kind`` and the plain, non-blocking socket at its other end.

    ``options`` are buffer sizes of the plain side: ``receive`` and ``send``.
    """
    with socket.create_server((LOOPBACK, 0)) as listening:
        plain = socket.socket()
        if size := options.get("receive"):
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        plain.connect(listening.getsockname())
        accepted, _ = listening.accept()
    plain.setblocking(False)
    loop = asyncio.get_running_loop()
    _, stream = await loop.connect_accepted_socket(kind, accepted)
    return stream, plain


async def stream_pair() -> tuple[SocketStream, SocketStream]:
    """Return two streams that are connected with each other."""
    stream, plain = await stream_and_socket()
    _, other = await asyncio.get_running_loop().connect_accepted_socket(SocketStream, plain)
    return stream, other


async def receive(plain: socket.socket, size: int = 65536) -> bytes:
    """Receive from a plain socket within the time limit; ``b""`` at its end."""
    async with asyncio.timeout(TIME_LIMIT):
        return await asyncio.get_running_loop().sock_recv(plain, size)


async def receive_all(plain: socket.socket) -> bytes:
    """Receive to the end of the data."""
    found = bytearray()
    while data := await receive(plain):
        found += data
    return bytes(found)


async def send(plain: socket.socket, data: bytes) -> None:
    """Send on a plain socket within the time limit."""
    async with asyncio.timeout(TIME_LIMIT):
        await asyncio.get_running_loop().sock_sendall(plain, data)


def reset(plain: socket.socket) -> None:
    """Close a socket as a killed process with unread data does."""
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    plain.close()


def surroundings(seconds: float = TIME_LIMIT) -> Surroundings:
    """What a connection of the present gets."""
    deadline = asyncio.get_running_loop().time() + seconds
    return Surroundings(os.urandom, datetime.now(UTC), deadline)


@dataclass(frozen=True)
class Tunnel:
    """Both ends of a tunnel in one process, and the connections in them."""

    client: Channel
    server: Channel
    client_connection: ClientConnection
    server_connection: ServerConnection
    client_stream: SocketStream
    server_stream: SocketStream


def server_settings(credentials: Credentials) -> ServerSettings:
    """What a gateway for example.uz has."""
    settings = credentials.settings()
    identity = credentials.example.identity
    return ServerSettings({"example.uz": identity}.get, settings.validator)


@asynccontextmanager
async def tunnel(
    credentials: Credentials, seconds: float = TIME_LIMIT, **changes: Any
) -> AsyncIterator[Tunnel]:
    """Two channels before their handshake; ``changes`` are the client's settings."""
    with ThreadPoolExecutor(2) as workers:
        made = await make_tunnel(credentials, workers, seconds, **changes)
        try:
            yield made
        finally:
            for stream in (made.client_stream, made.server_stream):
                stream.close()
            async with asyncio.timeout(TIME_LIMIT):
                await made.client.wait_closed()
                await made.server.wait_closed()


async def make_tunnel(
    credentials: Credentials, workers: Executor, seconds: float, **changes: Any
) -> Tunnel:
    """See ``tunnel``."""
    client_stream, server_stream = await stream_pair()
    client = ClientConnection(credentials.settings(**changes), surroundings(seconds))
    server = ServerConnection(server_settings(credentials), surroundings(seconds))
    return Tunnel(
        Channel(client_stream, client, workers),
        Channel(server_stream, server, workers),
        client,
        server,
        client_stream,
        server_stream,
    )


async def open_tunnel(made: Tunnel) -> tuple[Witness, Witness]:
    """Go through the handshake of both ends, and observe them."""

    async def serve() -> None:
        await made.server.handshake()
        made.server_connection.accept()
        made.server.flush()

    await asyncio.gather(serve(), made.client.handshake())
    client, server = Witness(), Witness()
    made.client.open(client)
    made.server.open(server)
    return client, server
