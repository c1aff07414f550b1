"""An STP tunnel joined to a plain socket, whoever carries its bytes."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.support.entropy import Entropy
from tests.support.joined import Carrier, native_carrier
from tests.support.loopback import TIME_LIMIT, receive, send, stream_and_socket
from tests.support.pki import NOW
from tests.support.stp_pair import (
    DST_ID,
    SERVER_NAME,
    stp_domain,
    stp_user,
    verify_domain,
    verify_user,
)
from tunnel_gateway.errors import ShuttingDownError
from tunnel_gateway.gost.crc32c import crc32c
from tunnel_gateway.protocol.events import DataReceived
from tunnel_gateway.protocol.stp.stp_client import StpClientConnection, StpClientSettings
from tunnel_gateway.protocol.stp.stp_connection import StpConnection, StpSurroundings
from tunnel_gateway.protocol.stp.stp_constants import Mode
from tunnel_gateway.protocol.stp.stp_messages import Params
from tunnel_gateway.protocol.stp.stp_server import (
    StpDomain,
    StpServerConnection,
    StpServerSettings,
)
from tunnel_gateway.protocol.stp.stp_states import StpState
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.relay import RelayEnd, Relaying, RelayLimits
from tunnel_gateway.transport.streams.stp_channel import StpChannel

HOLD = 0.2


class DrawnClient(StpClientConnection):
    """A client that has drawn a mode, as E-IMZO does."""

    drawn = Mode.GCFB

    def _own_params(self, certificate: bytes, extra: bytes = b"") -> Params:
        own = super()._own_params(certificate, extra)
        return Params(own.certificate, own.table, self.drawn, own.iv, own.extra)


@dataclass
class Stp:
    """A running relay, the client with its connection, and the application's socket."""

    relay: Relaying
    running: asyncio.Task[RelayEnd]
    client: socket.socket
    connection: StpClientConnection
    plain: socket.socket
    received: bytearray = field(default_factory=bytearray)

    async def say(self, data: bytes, piece: int = 2**20) -> None:
        """Send data as the client, in pieces of so many bytes."""
        self.connection.send_data(data)
        wire = self.connection.data_to_send()
        for start in range(0, len(wire), piece):
            await send(self.client, wire[start : start + piece])

    async def hear(self, size: int) -> bytes:
        """Receive so many bytes as the client."""
        while len(self.received) < size:
            data = await receive(self.client, 2**16)
            assert data, "the tunnel ended"
            self.connection.receive_data(data)
            for event in self.connection.events_received():
                assert isinstance(event, DataReceived)
                self.received += event.data
        found = bytes(self.received[:size])
        del self.received[:size]
        return found

    async def end(self) -> RelayEnd:
        async with asyncio.timeout(TIME_LIMIT):
            return await self.running


def opened(mode: Mode) -> tuple[StpServerConnection, StpClientConnection]:
    """Both connections of an open tunnel, on the clock of the loop."""
    clock = asyncio.get_running_loop().time
    serves = StpServerSettings(
        verify_user, lambda curve, dst_id: StpDomain(SERVER_NAME, stp_domain()), frozenset(Mode)
    )
    server = StpServerConnection(serves, StpSurroundings(Entropy("server"), NOW, clock))
    settings = StpClientSettings(DST_ID, stp_user(), verify_domain, frozenset(Mode))
    DrawnClient.drawn = mode
    client = DrawnClient(settings, StpSurroundings(Entropy("client"), NOW, clock))
    ends: list[StpConnection] = [client, server]
    while server.state is not StpState.OPEN:
        ends[1].receive_data(ends[0].data_to_send())
        if server.events_received():
            server.accept()
        ends.reverse()
    client.events_received()
    return server, client


@asynccontextmanager
async def joined_stp(
    carrier: Carrier, mode: Mode = Mode.GCFB, begun: bytes = b"", bandwidth: int = 0
) -> AsyncIterator[Stp]:
    """Run a relay between an STP tunnel and a plain socket.

    The client has sent the data ``begun`` before, all of whose bytes but the last three have come.
    """
    server, connection = opened(mode)
    server.hold_after_data = HOLD  # type: ignore[misc]
    client_stream, client = await stream_and_socket()
    stream, plain = await stream_and_socket()
    with ThreadPoolExecutor(1) as unused:
        channel = StpChannel(client_stream, server, unused)
    inbox = Inbox(channel)
    channel.open(inbox)
    if begun:
        connection.send_data(begun)
        wire = connection.data_to_send()
        await send(client, wire[:-3])
        inbox.unread(await inbox.receive())
    relay = carrier(channel, stream, RelayLimits(60.0, 60.0, bandwidth=bandwidth))
    running = asyncio.create_task(relay.run(inbox, stream.inbox))
    if begun:
        await send(client, wire[-3:])
    try:
        yield Stp(relay, running, client, connection, plain)
    finally:
        relay.stop(ShuttingDownError("the test is over"))
        client.close()
        plain.close()
        async with asyncio.timeout(TIME_LIMIT):
            await asyncio.wait((running,))
            await relay.wait_closed()


@pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.name)
async def test_bytes_pass_both_ways_in_each_mode(carrier: Carrier, mode: Mode) -> None:
    async with joined_stp(carrier, mode) as stp:
        data = os.urandom(200_001)
        saying = asyncio.create_task(stp.say(data, 4321))
        found = b""
        while len(found) < len(data):
            found += await receive(stp.plain, 2**16)
        await saying
        assert found == data
        answering = asyncio.create_task(send(stp.plain, data))
        assert await stp.hear(len(data)) == data
        await answering
        assert (stp.relay.bytes_from_channel, stp.relay.bytes_from_socket) == (200_001, 200_001)


async def test_a_frame_that_has_begun_goes_on(carrier: Carrier) -> None:
    async with joined_stp(carrier, begun=b"a frame that has begun") as stp:
        found = b""
        while len(found) < 22:
            found += await receive(stp.plain, 100)
        assert found == b"a frame that has begun"
        await stp.say(b"another", 1)
        assert await receive(stp.plain, 100) == b"another"


async def test_the_client_leaves(carrier: Carrier) -> None:
    async with joined_stp(carrier) as stp:
        await stp.say(b"the end")
        stp.client.shutdown(socket.SHUT_WR)
        found = b""
        while data := await receive(stp.plain, 100):
            found += data
        assert found == b"the end"
        assert await stp.end() == RelayEnd("peer_left")


@pytest.mark.parametrize("client_closes", [True, False])
async def test_the_client_has_time_to_read_the_end(carrier: Carrier, client_closes: bool) -> None:
    loop = asyncio.get_running_loop()
    async with joined_stp(carrier) as stp:
        begun = loop.time()
        await send(stp.plain, b"last words")
        stp.plain.shutdown(socket.SHUT_WR)
        assert await stp.hear(10) == b"last words"
        assert not stp.running.done()
        if client_closes:
            stp.client.close()
        else:
            await stp.say(b"nobody reads this")
            assert await receive(stp.client, 10) == b""
            assert loop.time() - begun >= HOLD * 0.9
        assert (await stp.end()).reason == "completed"
        assert stp.relay.bytes_from_channel == 0


async def test_the_hold_of_a_tunnel_that_is_stopped(carrier: Carrier) -> None:
    loop = asyncio.get_running_loop()
    async with joined_stp(carrier) as stp:
        begun = loop.time()
        await send(stp.plain, b"last words")
        assert await stp.hear(10) == b"last words"
        stopped = ShuttingDownError("stop")
        stp.relay.stop(stopped)
        assert await stp.end() == RelayEnd("shutting_down", stopped)
        assert await receive(stp.client, 10) == b""
        assert loop.time() - begun >= HOLD * 0.9


async def test_frames_without_payload_spend_bandwidth_too() -> None:
    loop = asyncio.get_running_loop()
    rate, count = 16 * 1024, 2**16
    with native_carrier() as carrier:
        async with joined_stp(carrier, bandwidth=rate) as stp:
            writer = stp.connection._writer
            assert writer is not None
            await stp.say(b"before them")
            assert await receive(stp.plain, 100) == b"before them"  # by the plane, from now on
            first = writer.place().frames
            frames = bytearray()
            for counter in range(first, first + count):
                fields = struct.pack(">III", counter, 0, 0)
                frames += fields + struct.pack(">I", crc32c(fields))
            writer._counter += count
            begun = loop.time()
            await send(stp.client, bytes(writer._stream.encrypt(frames)))
            await stp.say(b"after them")
            assert await receive(stp.plain, 100) == b"after them"
            assert stp.relay.bytes_from_channel == 21
            # A second's burst is free, and each 32 bytes spend one.
            assert loop.time() - begun >= (count * 16 / 32 - rate) / rate * 0.9


@dataclass(frozen=True)
class Wrong:
    """A header after a right frame, and what is said of it; ``{0}`` is the counter awaited."""

    code: str
    text: str
    blocks: int = 1
    rest: int = 0
    skipped: int = 0
    spoiled: int = 0


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong("bad_record", "the checksum of a frame's header is wrong", spoiled=1),
        Wrong("bad_record", "a frame with the counter {1} in place of {0}", skipped=7),
        Wrong("protocol_error", "a frame of 2147483648 blocks and 1 bytes", blocks=2**31, rest=1),
        Wrong("protocol_error", "a frame of 513 blocks and 0 bytes", blocks=513),
        Wrong("protocol_error", "a frame of 1 blocks and 8 bytes", rest=8),
    ],
    ids=lambda wrong: wrong.text,
)
async def test_a_wrong_frame_ends_the_tunnel(carrier: Carrier, wrong: Wrong) -> None:
    async with joined_stp(carrier) as stp:
        writer = stp.connection._writer
        assert writer is not None
        await stp.say(b"all right")
        awaited = writer.place().frames
        fields = struct.pack(">III", awaited + wrong.skipped, wrong.blocks, wrong.rest)
        header = fields + struct.pack(">I", crc32c(fields) ^ wrong.spoiled)
        await send(stp.client, bytes(writer._stream.encrypt(header)))
        end = await stp.end()
        assert end.reason == wrong.code
        assert str(end.error) == wrong.text.format(awaited, awaited + wrong.skipped)
        assert await receive(stp.plain, 100) == b"all right"
