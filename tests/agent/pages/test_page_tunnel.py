"""A page's tunnel with a real gateway behind it, in one process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED
from tests.support.house import House, head, house
from tests.support.loopback import LOOPBACK, TIME_LIMIT, receive, receive_all, send
from tests.support.peer import UPGRADE
from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.handshake import open_tunnel
from tunnel_gateway.agent.pages.page_tunnel import PAGE_LOST, PageTunnel
from tunnel_gateway.config.values import Address
from tunnel_gateway.dataplane.joining import start_plane
from tunnel_gateway.dataplane.plane import DataPlane
from tunnel_gateway.errors import ShuttingDownError
from tunnel_gateway.transport.wire.websocket_frames import close_frame

PAGE = Caller("https://example.uz", "example.uz")
STOPPING = ShuttingDownError("the agent is stopping")


@pytest_asyncio.fixture(params=["python", "native"])
async def plane(request: pytest.FixtureRequest) -> AsyncIterator[DataPlane | None]:
    """The agent's data plane, and an agent on a system that has none."""
    made = start_plane(1, PAGE_LOST) if request.param == "native" else None
    yield made
    if made is not None:
        assert len(made) == 0
        made.close()


async def tunnel(
    home: House, plane: DataPlane | None, time_limit: float = TIME_LIMIT
) -> PageTunnel:
    gateway = Address(LOOPBACK, home.listener.port)
    with ThreadPoolExecutor(1) as workers:
        made = await open_tunnel(gateway, home.credentials.settings(dst_id="raw"), workers)
    return PageTunnel(PAGE, made, plane, time_limit=time_limit)


def place(made: PageTunnel) -> tuple[str, int]:
    host, _, port = made.address.rpartition(":")
    return host, int(port)


async def entered(made: PageTunnel) -> socket.socket:
    plain = socket.create_connection(place(made))
    plain.setblocking(False)
    port = place(made)[1]
    lines = [line for line in UPGRADE.split(b"\r\n") if not line.startswith(b"Host:")]
    lines.insert(1, b"Host: 127.0.0.1:%d" % port)
    await send(plain, b"\r\n".join(lines))
    return plain


async def test_it_carries_a_websocket_and_closes_it_when_stopped(
    credentials: Credentials, tmp_path: Path, plane: DataPlane | None
) -> None:
    async with house(credentials, tmp_path) as home:
        made = await tunnel(home, plane)
        waiting = [made.waiting]
        running = asyncio.create_task(made.run())
        page = await entered(made)
        destination = await home.destination()
        await head(destination)
        await send(destination, SWITCHED)
        assert await receive(page) == SWITCHED
        waiting.append(made.waiting)
        assert waiting == [True, False]
        made.stop(STOPPING)
        assert await receive_all(page) == close_frame(1001, f"shutting_down: {STOPPING}")
        page.close()
        async with asyncio.timeout(TIME_LIMIT):
            await running
        destination.close()
        await home.ended()


@pytest.mark.parametrize("started", [False, True])
async def test_it_is_stopped_before_its_page_comes(
    credentials: Credentials, tmp_path: Path, plane: DataPlane | None, started: bool
) -> None:
    async with house(credentials, tmp_path) as home:
        made = await tunnel(home, plane)
        running = asyncio.create_task(made.run())
        if started:
            await asyncio.sleep(0)
        made.stop(STOPPING)
        made.stop(STOPPING)
        async with asyncio.timeout(TIME_LIMIT):
            await running
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place(made))
        (await home.destination()).close()
        assert "shutting_down" in (await home.ended())["detail"]


async def test_its_page_does_not_come(
    credentials: Credentials, tmp_path: Path, plane: DataPlane | None
) -> None:
    async with house(credentials, tmp_path) as home:
        made = await tunnel(home, plane, time_limit=0.05)
        async with asyncio.timeout(TIME_LIMIT):
            await made.run()
        (await home.destination()).close()
        assert "timed_out" in (await home.ended())["detail"]
