"""STP on real sockets: both roles in one loop, and above all when the socket closes."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.support.loopback import TIME_LIMIT, Witness, stream_pair
from tests.support.pki import NOW
from tests.support.stp_pair import (
    DST_ID,
    SERVER_NAME,
    stp_domain,
    stp_user,
    verify_domain,
    verify_user,
)
from tunnel_gateway.errors import (
    AlertReceivedError,
    DestinationUnreachableError,
    NotPermittedError,
    TimedOutError,
    TruncatedError,
)
from tunnel_gateway.gost.curves import Curve
from tunnel_gateway.protocol.events import ClientAuthenticated, Opened
from tunnel_gateway.protocol.stp import stp_server
from tunnel_gateway.protocol.stp.stp_client import StpClientConnection, StpClientSettings
from tunnel_gateway.protocol.stp.stp_connection import StpSurroundings
from tunnel_gateway.protocol.stp.stp_server import (
    StpDomain,
    StpServerConnection,
    StpServerSettings,
)
from tunnel_gateway.protocol.stp.stp_states import StpState
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.stp_channel import StpChannel
from tunnel_gateway.transport.streams.stream import SocketStream

HOLD = 0.3


@dataclass
class Ends:
    """Both ends of a tunnel, their connections and their sockets."""

    client: StpChannel
    server: StpChannel
    client_connection: StpClientConnection
    server_connection: StpServerConnection
    client_stream: SocketStream
    server_stream: SocketStream

    async def prove(self) -> ClientAuthenticated:
        """Run the server's handshake while the client waits in the background."""
        event = await self.server.handshake()
        assert isinstance(event, ClientAuthenticated)
        return event

    async def open(self) -> tuple[Witness, Witness]:
        """Go through the handshake, and observe both ends: the client's, then the server's."""

        async def serve() -> None:
            await self.prove()
            self.server.open(seen[1])
            self.server_connection.accept()
            self.server.flush()

        seen = Witness(), Witness()
        _, opened = await asyncio.gather(serve(), self.client.handshake())
        assert isinstance(opened, Opened)
        self.client.open(seen[0])
        return seen


@asynccontextmanager
async def ends(seconds: float = TIME_LIMIT) -> AsyncIterator[Ends]:
    """Both ends before their handshake; ``seconds`` are the server's limit of a step."""

    def domain_for(curve: Curve, dst_id: int) -> StpDomain:
        return StpDomain(SERVER_NAME, stp_domain())

    client_stream, server_stream = await stream_pair()
    clock = asyncio.get_running_loop().time
    surroundings = StpSurroundings(os.urandom, NOW, clock, seconds)
    patient = StpSurroundings(os.urandom, NOW, clock, TIME_LIMIT)
    client = StpClientConnection(StpClientSettings(DST_ID, stp_user(), verify_domain), patient)
    server = StpServerConnection(StpServerSettings(verify_user, domain_for), surroundings)
    with ThreadPoolExecutor(2) as workers:
        made = Ends(
            StpChannel(client_stream, client, workers),
            StpChannel(server_stream, server, workers),
            client,
            server,
            client_stream,
            server_stream,
        )
        try:
            yield made
        finally:
            for stream in (client_stream, server_stream):
                stream.close()
            async with asyncio.timeout(TIME_LIMIT):
                await made.client.wait_closed()
                await made.server.wait_closed()


@pytest.fixture(autouse=True)
def _short_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stp_server, "HOLD_AFTER_REFUSAL", HOLD)
    monkeypatch.setattr(StpServerConnection, "hold_after_data", HOLD)


async def test_data_in_both_directions() -> None:
    async with ends() as made:
        client, server = await made.open()
        made.client.write(b"up" * 50_000)
        made.server.write(b"down" * 50_000)
        assert await server.received(100_000) == b"up" * 50_000
        assert await client.received(200_000) == b"down" * 50_000


async def test_data_that_came_before_the_observer() -> None:
    async with ends() as made:

        async def serve() -> Inbox:
            await made.prove()
            page = Inbox(made.server)
            made.server.open(page)
            made.server_connection.accept()
            made.server.flush()
            return page

        page, _ = await asyncio.gather(serve(), made.client.handshake())
        made.client.open(Witness())
        made.client.write(b"GET / HTTP/1.1")
        async with asyncio.timeout(TIME_LIMIT):
            assert await page.receive_exactly(14) == b"GET / HTTP/1.1"


async def test_the_clients_end() -> None:
    async with ends() as made:
        _, server = await made.open()
        made.client.write(b"all of it")
        made.client.write_eof()
        await server.saw("lost")
        assert (server.data, server.error) == (b"all of it", None)
        assert made.server_connection.closed


async def test_the_servers_end_waits_for_the_client_to_read() -> None:
    async with ends() as made:
        client, server = await made.open()
        loop = asyncio.get_running_loop()
        made.server.write(b"the last bytes")
        began = loop.time()
        made.server.write_eof()
        await client.received(14)
        made.client.write(b"dropped")
        await client.saw("lost")
        assert loop.time() - began > HOLD - 0.01  # the clock counts milliseconds
        # Ours had ended, so the end of the other direction is no loss.
        await server.saw("lost")
        assert server.calls[:2] == ["eof", "lost"]
        assert server.error is None
        assert server.data == b""


async def test_the_servers_end_is_at_once_when_the_client_closes() -> None:
    async with ends() as made:
        _, server = await made.open()
        made.server.write(b"the last bytes")
        made.server.write_eof()
        made.client.close()
        await server.saw("eof")
        assert made.server_connection.closed


async def test_a_refusal_arrives_before_the_end() -> None:
    async with ends() as made:

        async def refuse() -> float:
            await made.prove()
            made.server.abort(DestinationUnreachableError("nobody listens"))
            return asyncio.get_running_loop().time()

        refused_at, heard = await asyncio.gather(
            refuse(), made.client.handshake(), return_exceptions=True
        )
        assert isinstance(heard, AlertReceivedError)
        assert heard.name == "destination_unreachable"
        assert made.server_connection.state in (StpState.ENDING, StpState.CLOSED)
        async with asyncio.timeout(TIME_LIMIT):
            await made.server.wait_closed()
        assert isinstance(refused_at, float)


async def test_a_refusal_is_held_though_the_client_says_more() -> None:
    async with ends() as made:
        client = asyncio.ensure_future(made.client.handshake())
        await made.prove()
        began = asyncio.get_running_loop().time()
        made.server.abort(NotPermittedError("not this user"))
        made.client_stream.write(b"more" * 100)
        with pytest.raises(AlertReceivedError):
            await client
        made.server.close()  # does not shorten it
        # The client has closed by now; without that the socket stays for the whole hold.
        async with asyncio.timeout(TIME_LIMIT):
            await made.server.wait_closed()
        assert asyncio.get_running_loop().time() - began < TIME_LIMIT


async def test_silence() -> None:
    async with ends(seconds=0.05) as made:
        with pytest.raises(TimedOutError, match="still waiting for the client's certificate"):
            await made.server.handshake()
        made.client_stream.write(b"\x01")
        assert made.server_connection.closed
    async with ends(seconds=0.2) as made:
        made.client.flush()
        with pytest.raises(TimedOutError, match="still waiting for the client's proof"):
            await made.server.handshake()
        assert made.server_connection.ending


async def test_silence_after_the_decision() -> None:
    async with ends(seconds=0.2) as made:
        client = asyncio.ensure_future(made.client.handshake())
        await made.prove()
        made.client_stream.pause_reading()
        witness = Witness()
        made.server.open(witness)
        made.server_connection.accept()
        made.server.flush()
        await witness.saw("lost")
        assert isinstance(witness.error, TimedOutError)
        client.cancel()
        with pytest.raises(asyncio.CancelledError):
            await client


async def test_a_peer_that_hangs_up() -> None:
    async with ends() as made:
        made.client_stream.close()
        with pytest.raises(TruncatedError):
            await made.server.handshake()


async def test_back_pressure() -> None:
    async with ends() as made:
        client, server = await made.open()
        made.client.pause_reading()
        made.server.write(bytes(16 * 2**20))
        await server.saw("pause")
        made.server.write_eof()
        assert made.server_stream.unsent
        made.client.resume_reading()
        assert await client.received(16 * 2**20) == bytes(16 * 2**20)
        await server.saw("lost")
        assert not made.server_stream.unsent


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux has it")
async def test_acknowledgements_are_not_delayed() -> None:
    async with ends() as made:
        await made.open()
        sock = made.server_stream._transport.get_extra_info("socket")
        made.client.write(b"x")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK)
        assert made.server_stream._quick
