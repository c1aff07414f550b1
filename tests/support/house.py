"""A gateway inside this process and its event loop: sessions, a destination, clients."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED
from tests.support.log_lines import read_records
from tests.support.loopback import LOOPBACK, TIME_LIMIT, Witness, receive, send
from tests.support.peer import UPGRADE
from tests.support.processes import write_config
from tunnel_gateway.agent.handshake import Tunnel, open_tunnel
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.values import Address
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.resident_memory import MIB, MemoryWatch
from tunnel_gateway.daemon.stopping import Stopping
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.dataplane.joining import start_plane
from tunnel_gateway.errors import ShuttingDownError
from tunnel_gateway.gateway.destination_pool import Destinations
from tunnel_gateway.gateway.entrance import DESTINATION_LOST
from tunnel_gateway.gateway.material import Material
from tunnel_gateway.gateway.reports import Reports
from tunnel_gateway.gateway.resources import Resources
from tunnel_gateway.gateway.session import Session
from tunnel_gateway.gateway.sessions import Sessions
from tunnel_gateway.limits.admission import Admission, Limits
from tunnel_gateway.observability.logs import configure_logs
from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.revocation.watch import Revocation
from tunnel_gateway.transport.streams.listener import Listener
from tunnel_gateway.transport.streams.stream import SocketStream


class House:
    """Sessions behind a listener, and the destination ``raw`` in front of a plain socket."""

    def __init__(
        self,
        credentials: Credentials,
        folder: Path,
        log: io.StringIO,
        workers: Workers,
        settings: dict[str, object],
    ) -> None:
        self.credentials = credentials
        self.sessions = Sessions()
        self.first: Session  # of the connections that came
        self.started = asyncio.Event()
        self.clients: list[Tunnel] = []
        self.application = socket.create_server((LOOPBACK, 0))
        self.application.setblocking(False)
        self._log = log
        self.workers = workers
        port = self.application.getsockname()[1]
        path = folder / "config.properties"
        write_config(path, credentials, 1, {"raw": port}, settings)
        configuration = load_configuration(path)
        self.config = config = configuration.tunnel
        self.memory = MemoryWatch(configuration.daemon.memory_limit * MIB)
        limits = Limits.of(config.limits, config.sources)
        self.admission = Admission(limits, memory=self.memory)
        self.destinations = Destinations()
        self.destinations.configure(config.destinations)
        self.revocation = Revocation()
        self.revocation.configure(config.revocation, {})
        self.metrics = Metrics()
        self.reports = Reports(Audit(), self.metrics)
        self.resources = Resources(
            Material.load(config),
            self.admission,
            self.destinations,
            workers,
            self.revocation,
            self.reports,
            start_plane(2, DESTINATION_LOST),
        )
        self.listener = Listener(LOOPBACK, 0, on_connection=self.start, on_failure=print)

    def start(self, stream: SocketStream) -> None:
        """Serve a connection, and remember the first."""
        session = self.sessions.start(self.resources, stream)
        if not self.started.is_set():
            self.first = session
        self.started.set()

    async def client(
        self, dst_id: str = "raw", identity: Identity | None = None
    ) -> tuple[Tunnel, Witness]:
        """Make a tunnel."""
        address = Address(LOOPBACK, self.listener.port)
        settings = self.credentials.settings(dst_id=dst_id, identity=identity)
        made = await open_tunnel(address, settings, self.workers.steps())
        self.clients.append(made)
        witness = Witness()
        made.channel.open(witness)
        return made, witness

    async def destination(self) -> socket.socket:
        """Take the destination's next connection."""
        async with asyncio.timeout(TIME_LIMIT):
            plain, _ = await asyncio.get_running_loop().sock_accept(self.application)
        plain.setblocking(False)
        return plain

    async def asked(self, request: bytes = UPGRADE) -> tuple[Tunnel, Witness, socket.socket]:
        """Make a tunnel whose page has asked; returns it, its page and the destination."""
        tunnel, page = await self.client()
        destination = await self.destination()
        tunnel.channel.write(request)
        await head(destination)
        return tunnel, page, destination

    async def open(self) -> tuple[Tunnel, Witness, socket.socket]:
        """Make a tunnel with its WebSocket open; returns it, its page and the destination."""
        tunnel, page, destination = await self.asked()
        await send(destination, SWITCHED)
        await page.received(len(SWITCHED))
        return tunnel, page, destination

    def lines(self) -> list[dict[str, Any]]:
        """Return the log."""
        return read_records(self._log.getvalue())

    async def logged(self, event: str) -> dict[str, Any]:
        """Wait for the one line of this event, and return it."""
        async with asyncio.timeout(TIME_LIMIT):
            while event not in {line["event"] for line in self.lines()}:  # noqa: ASYNC110 (a file's)
                await asyncio.sleep(0.01)
        (line,) = (line for line in self.lines() if line["event"] == event)
        return line

    async def ended(self) -> dict[str, Any]:
        """Wait until every session is over, and return the last line of the log."""
        await self.leave()
        async with asyncio.timeout(TIME_LIMIT):
            await self.sessions.wait_ended()
        assert self.admission.tunnels == self.admission.handshakes == 0
        return self.lines()[-1]

    async def leave(self) -> None:
        for made in self.clients:
            made.channel.close()
            await made.channel.wait_closed()

    async def close(self) -> None:
        """Let the clients leave and stop listening."""
        await self.leave()
        await self.listener.close()
        await self.revocation.close()
        await self.destinations.close()
        self.application.close()

    def close_plane(self) -> None:
        """End the threads that carry the tunnels; none may be left there."""
        assert self.resources.plane is not None
        left = len(self.resources.plane)
        self.resources.plane.close()
        assert not left, "a tunnel was left in the data plane"


@asynccontextmanager
async def house(credentials: Credentials, folder: Path, **settings: object) -> AsyncIterator[House]:
    """A house with settings of its own: ``connect_timeout=1``."""
    log = io.StringIO()
    configure_logs("json", "debug", log)
    with closing(Workers()) as workers:
        keys = {name.replace("_", "."): value for name, value in settings.items()}
        made = House(credentials, folder, log, workers, keys)
        try:
            yield made
        finally:
            await made.close()
            await made.sessions.drain(
                ShuttingDownError("the test is over"), 0, asyncio.sleep(0), Stopping()
            )
            configure_logs("json", "info")
            made.close_plane()


async def head(plain: socket.socket) -> bytes:
    """Receive a request up to the end of its head."""
    found = b""
    while b"\r\n\r\n" not in found:
        data = await receive(plain)
        assert data, found
        found += data
    return found
