"""The client's end of a tunnel: through a plain port, or through our own protocol.

Both are streams of the same shape, so one load drives all systems. The peers have their client
in a process of its own; ours is in the process of the load.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Self

from benchmarks.places import DESTINATION, DOMAIN, LOOPBACK, USER, Target
from tunnel_gateway.agent.handshake import open_tunnel
from tunnel_gateway.config.values import Address
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.pki.files.keyfiles import Identity, load_identity
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.client import ClientSettings
from tunnel_gateway.transport.streams.channel import Channel
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.stream import SocketStream

_END_OF_HEAD = b"\r\n\r\n"
_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: " + DOMAIN + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CHUNK = bytes(256 * 1024)


class Conversation:
    """A connection through a tunnel after the destination's 101; observes its stream."""

    def __init__(self, stream: SocketStream | Channel) -> None:
        self.stream = stream
        self.received = 0
        self._wanted = 0
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._lost = False

    async def receive(self, total: int) -> None:
        """Wait until ``total`` bytes have come in since the beginning."""
        self._wanted = total
        if self.received < total:
            self._arrived.clear()
            await self._arrived.wait()
            self._check()

    async def send(self, total: int, chunk: bytes = CHUNK) -> None:
        """Send ``total`` bytes, in pieces of ``chunk``, as fast as they are taken."""
        for start in range(0, total, len(chunk)):
            await self._writable.wait()
            self._check()
            size = min(total - start, len(chunk))
            self.stream.write(chunk if size == len(chunk) else chunk[:size])

    async def close(self) -> None:
        """End the tunnel and wait until it is gone."""
        self.stream.close()
        await self.stream.wait_closed()

    def _check(self) -> None:
        if self._lost:
            raise ConnectionError("the tunnel broke off in the middle of a measurement")

    # --- Observer --------------------------------------------------------------------------

    def data_received(self, data: Buffer) -> None:
        """Count bytes."""
        self.received += len(data)
        if self.received >= self._wanted:
            self._arrived.set()

    def eof_received(self) -> None:
        """The other side is through: nothing that is waited for will come."""
        self.connection_lost(None)

    def pause_writing(self) -> None:
        """Stop sending."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Send again."""
        self._writable.set()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 (an observer's)
        """Wake whoever waits."""
        self._lost = True
        self._arrived.set()
        self._writable.set()


def client_settings(credentials: Path) -> ClientSettings:
    """Return what the usual user's client needs to open tunnels."""
    user = credentials / "users" / USER
    anchors = load_trust_anchors(credentials / "truststore.pem", None)
    return ClientSettings(
        server_name=DOMAIN,
        dst_id=DESTINATION,
        identity=load_identity(user / "key.pem", user / "chain.pem"),
        validator=ChainValidator(anchors),
    )


class Client:
    """Opens tunnels to a target. Use as a context manager; it has threads."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._workers = ThreadPoolExecutor(2)
        self._settings: ClientSettings | None = None
        if target.credentials is not None:
            self._settings = client_settings(target.credentials)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.shutdown()

    async def open(self, path: str, identity: Identity | None = None) -> Conversation:
        """Open a tunnel, as another user with ``identity``, and a WebSocket to ``path``."""
        stream, inbox = await self._connect(identity)
        stream.write(_REQUEST.format(path=path).encode())
        answer = b""
        while _END_OF_HEAD not in answer:
            data = await inbox.receive()
            if not data:
                raise ConnectionError(f"{self.target.system} closed before the destination's 101")
            answer += data
        inbox.unread(answer.partition(_END_OF_HEAD)[2])
        conversation = Conversation(stream)
        inbox.hand_over(conversation)
        return conversation

    async def _connect(self, identity: Identity | None) -> tuple[SocketStream | Channel, Inbox]:
        settings = self._settings
        if settings is None:
            loop = asyncio.get_running_loop()
            _, stream = await loop.create_connection(SocketStream, LOOPBACK, self.target.port)
            return stream, stream.inbox
        if identity is not None:
            settings = replace(settings, identity=identity)
        address = Address(LOOPBACK, self.target.port)
        tunnel = await open_tunnel(address, settings, self._workers)
        inbox = Inbox(tunnel.channel)
        tunnel.channel.open(inbox)
        return tunnel.channel, inbox

    async def open_many(self, path: str, count: int) -> list[Conversation]:
        """Open ``count`` tunnels, a few at a time: a storm is another measurement."""
        places = asyncio.Semaphore(8)

        async def one() -> Conversation:
            async with places:
                return await self.open(path)

        return await asyncio.gather(*(one() for _ in range(count)))
