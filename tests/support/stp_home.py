"""A gateway inside this process that speaks STP for destination 7, and a client of it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.house import House, house
from tests.support.loopback import LOOPBACK, TIME_LIMIT, Witness
from tunnel_gateway.gost.curves import CRYPTOPRO_A
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.events import Opened
from tunnel_gateway.protocol.stp.stp_client import StpClientConnection, StpClientSettings
from tunnel_gateway.protocol.stp.stp_connection import StpSurroundings
from tunnel_gateway.transport.streams.stp_channel import StpChannel
from tunnel_gateway.transport.streams.stream import SocketStream


@dataclass
class Client:
    """A client of STP, and the listening socket of the application."""

    home: House
    identity: Identity
    application: socket.socket

    async def tunnel(self, dst_id: int = 7) -> tuple[StpChannel, Witness]:
        """Make a tunnel; raises what the gateway says against it."""
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(SocketStream, LOOPBACK, self.home.listener.port)
        authority = self.home.credentials.authority
        issuers = self.home.credentials.example.identity.chain[1:]
        trusted = ChainValidator([authority.root.leaf, *issuers])
        settings = StpClientSettings(
            dst_id,
            self.identity,
            lambda der, at: trusted.verify_server([der], at, FIRST_DOMAIN),
        )
        surroundings = StpSurroundings(os.urandom, datetime.now(UTC), loop.time)
        channel = StpChannel(
            stream, StpClientConnection(settings, surroundings), self.home.workers.steps()
        )
        assert isinstance(await channel.handshake(), Opened)
        page = Witness()
        channel.open(page)
        return channel, page

    async def accept(self) -> socket.socket:
        """Take the application's next connection."""
        async with asyncio.timeout(TIME_LIMIT):
            plain, _ = await asyncio.get_running_loop().sock_accept(self.application)
        plain.setblocking(False)
        return plain


@asynccontextmanager
async def client(
    credentials: Credentials, tmp_path: Path, stp: str = "yes", **more: object
) -> AsyncIterator[Client]:
    """A gateway that speaks STP for destination 7, and a user on the curve of its domain."""
    citizen = credentials.user("on-curve-a", curve=CRYPTOPRO_A).identity
    truststore = tmp_path / "with-centres.pem"
    truststore.write_bytes(to_pem([credentials.authority.root.leaf, *citizen.chain[1:]]))
    with socket.create_server((LOOPBACK, 0)) as application:
        application.setblocking(False)
        port = application.getsockname()[1]
        settings: dict[str, object] = {
            "truststore_file": truststore,
            **more,
            "stp": stp,
            "destination_7_host": LOOPBACK,
            "destination_7_port": port,
        }
        async with house(credentials, tmp_path, **settings) as home:
            yield Client(home, citizen, application)
