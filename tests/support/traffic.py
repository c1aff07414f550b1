"""Users who make tunnels and talk through them all the time, and an application that echoes."""

from __future__ import annotations

import asyncio
import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED
from tests.support.loopback import LOOPBACK, TIME_LIMIT, Witness
from tests.support.peer import UPGRADE
from tunnel_gateway.agent.handshake import Tunnel, open_tunnel
from tunnel_gateway.config.values import Address

_HEAD_END = b"\r\n\r\n"


class EchoApplication:
    """Accepts every upgrade and sends back what comes after it."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @staticmethod
    async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(_HEAD_END)
            writer.write(SWITCHED)
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the gateway's health probe, or the end of a tunnel
        finally:
            writer.close()


class Traffic:
    """``users`` at once, each with one tunnel after another. What goes wrong is a failure.

    A ``patient`` user keeps his one tunnel to the end and talks through it all the time.
    """

    def __init__(self, credentials: Credentials, port: int, *, users: int, patient: int) -> None:
        self.tunnels = 0
        self.round_trips = 0
        self.failures: list[str] = []
        self._credentials = credentials
        self._address = Address(LOOPBACK, port)
        self._workers = ThreadPoolExecutor(1)
        self._enough = asyncio.Event()
        self._tasks = [asyncio.create_task(self._come_and_go()) for _ in range(users)]
        self._tasks += [asyncio.create_task(self._stay()) for _ in range(patient)]

    async def more(self, tunnels: int) -> None:
        """Wait for so many tunnels from now on, or a failure."""
        wanted = self.tunnels + tunnels
        async with asyncio.timeout(6 * TIME_LIMIT):
            while self.tunnels < wanted and not self.failures:  # noqa: ASYNC110 (every user's)
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        """Let all users finish what they are doing."""
        self._enough.set()
        await asyncio.gather(*self._tasks)
        self._workers.shutdown()

    async def _come_and_go(self) -> None:
        while not self._enough.is_set():
            await self._one_tunnel(round_trips=3)

    async def _stay(self) -> None:
        await self._one_tunnel(round_trips=None)

    async def _one_tunnel(self, round_trips: int | None) -> None:
        try:
            settings = self._credentials.settings(dst_id="echo")
            tunnel = await open_tunnel(self._address, settings, self._workers)
            await self._talk(tunnel, round_trips)
            self.tunnels += 1
        except Exception as error:  # noqa: BLE001 (whatever it is, it is a loss)
            self.failures.append(repr(error))
            self._enough.set()

    async def _talk(self, tunnel: Tunnel, round_trips: int | None) -> None:
        page = Witness()
        tunnel.channel.open(page)
        tunnel.channel.write(UPGRADE)
        assert await page.received(len(SWITCHED)) == SWITCHED
        done = 0
        while done != round_trips and not (round_trips is None and self._enough.is_set()):
            data = os.urandom(random.randrange(1, 40_000))  # noqa: S311
            tunnel.channel.write(data)
            assert await page.received(len(data)) == data, "the bytes came back changed"
            done += 1
            self.round_trips += 1
        tunnel.channel.write_eof()
        await page.saw("eof")
        assert not page.data
        tunnel.channel.close()
        await tunnel.channel.wait_closed()
