"""The set of connections: looked up by id, and drained."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED
from tests.support.house import House, head, house
from tests.support.loopback import Witness, send
from tests.support.peer import UPGRADE
from tunnel_gateway.daemon.stopping import Stopping
from tunnel_gateway.errors import AlertReceivedError, ShuttingDownError

STOP = ShuttingDownError("the gateway is stopping")


async def open_tunnel(home: House) -> tuple[str, Witness, socket.socket]:
    tunnel, page, destination = await home.open()
    return tunnel.opened.tunnel_id.hex(), page, destination


async def test_a_tunnel_is_found_by_its_id(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        first, _, one = await open_tunnel(home)
        second, _, other = await open_tunnel(home)
        assert len(home.sessions) == 2
        assert [one.facts.tunnel_id for one in home.sessions] == [first, second]
        for beginning in (second, second[:8]):
            (found,) = home.sessions.find(beginning)
            assert found.facts.tunnel_id == second
        assert len(home.sessions.find("")) == 2
        assert home.sessions.find("0" * 32) == []
        one.close()
        other.close()


async def test_a_drain_waits_for_what_is_open_only(
    credentials: Credentials, tmp_path: Path
) -> None:
    async with house(credentials, tmp_path) as home:
        _, page, destination = await open_tunnel(home)
        _, waiting = await home.client()
        unused = await home.destination()
        insisted, stopping = asyncio.Event(), Stopping()
        draining = asyncio.create_task(home.sessions.drain(STOP, 60, insisted.wait(), stopping))
        await waiting.saw("lost")
        assert isinstance(waiting.error, AlertReceivedError)
        assert not draining.done()
        assert page.calls == []
        unused.close()
        insisted.set()
        await page.saw("lost")
        assert "shutting_down" in str(page.error)
        destination.close()
        await home.leave()
        await draining
        assert [(step.number, step.name) for step in stopping.steps] == [
            (3, "unopened_refused"),
            (4, "waiting_for_tunnels"),
            (5, "rest_told"),
        ]


@pytest.mark.parametrize("seconds", [0, 0.05])
async def test_a_drain_has_an_end(seconds: float, credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        _, page, destination = await open_tunnel(home)
        draining = asyncio.create_task(
            home.sessions.drain(
                STOP, seconds, asyncio.get_running_loop().create_future(), Stopping()
            )
        )
        await page.saw("lost")
        destination.close()
        await home.leave()
        await draining
        assert len(home.sessions) == 0


async def test_a_tunnel_that_has_begun_opens_if_others_serve_the_port(
    credentials: Credentials, tmp_path: Path
) -> None:
    async with house(credentials, tmp_path) as home:
        tunnel, page = await home.client()
        draining = asyncio.create_task(
            home.sessions.drain(
                STOP, 60, asyncio.get_running_loop().create_future(), Stopping(), replaced=True
            )
        )
        destination = await home.destination()
        tunnel.channel.write(UPGRADE)
        await head(destination)
        await send(destination, SWITCHED)
        assert await page.received(len(SWITCHED)) == SWITCHED
        assert not draining.done()
        destination.close()
        await home.leave()
        await draining
