"""One connection from its accept to its line in the log, inside one process.

These tests need no real process, and many of them need a certain moment. tests/scenarios has the
others.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED
from tests.support.house import head, house
from tests.support.loopback import LOOPBACK, receive, receive_all, reset, send
from tests.support.peer import UPGRADE
from tunnel_gateway.errors import AlertReceivedError, ShuttingDownError
from tunnel_gateway.transport.streams.stream import SocketStream

# A time-out of the system is an OSError and a TimeoutError at once.
UNACKNOWLEDGED = OSError(errno.ETIMEDOUT, "Connection timed out")
STOP = ShuttingDownError("the gateway is stopping")


async def test_a_whole_tunnel(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        tunnel, page = await home.client()
        destination = await home.destination()
        assert not home.first.open
        tunnel.channel.write(UPGRADE)
        assert b"X-EIMZO-PINFL: 10000000000001" in await head(destination)
        await send(destination, SWITCHED + b"birinchi")
        assert await page.received(len(SWITCHED) + 8) == SWITCHED + b"birinchi"
        (session,) = home.sessions
        assert session.open
        tunnel.channel.write_eof()
        assert await receive_all(destination) == b""
        destination.close()
        await page.saw("eof")
        tunnel.channel.close()
        line = await home.ended()
        assert line["event"] == "tunnel_closed"
        assert line["reason"] == "completed"
        assert line["tunnel_id"] == tunnel.opened.tunnel_id.hex()
        assert (line["bytes_up"], line["bytes_down"]) == (0, len(SWITCHED) + 8)
        session.stop(STOP)  # too late for anything
        assert home.lines() == [line]


async def test_a_stop_before_it_has_begun(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        start = home.start

        def start_and_stop(stream: SocketStream) -> None:
            start(stream)
            home.first.stop(STOP)

        home.listener._on_connection = start_and_stop
        with pytest.raises(AlertReceivedError, match="shutting_down"):
            await home.client()
        assert (await home.ended())["reason"] == "shutting_down"


async def test_a_stop_while_the_page_is_awaited(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        _, page = await home.client()
        destination = await home.destination()
        home.first.stop(STOP)
        home.first.stop(STOP)
        await page.saw("lost")
        assert "shutting_down" in str(page.error)
        assert await receive(destination) == b""
        destination.close()
        assert (await home.ended())["reason"] == "shutting_down"


async def test_an_open_tunnel_has_its_places_until_its_sockets_are_closed(
    credentials: Credentials, tmp_path: Path
) -> None:
    async with house(credentials, tmp_path) as home:
        _, page, destination = await home.open()
        home.first.stop(STOP)
        await page.saw("lost")
        line = await home.logged("tunnel_closed")
        assert line["reason"] == "shutting_down"
        # The application has not closed yet, so the gateway's socket lingers.
        assert home.admission.tunnels == 1
        assert [state.tunnels for state in home.destinations.states()] == [1]
        assert len(home.sessions) == 1
        destination.close()
        await home.ended()
        assert [state.tunnels for state in home.destinations.states()] == [0]


async def test_a_stop_of_an_open_tunnel(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        _, page, destination = await home.open()
        home.first.stop(STOP)
        await page.saw("lost")
        destination.close()
        line = await home.ended()
        assert (line["event"], line["reason"]) == ("tunnel_closed", "shutting_down")


async def test_a_stop_after_the_line_is_written(credentials: Credentials, tmp_path: Path) -> None:
    """The socket lingers, and nothing more is to be said."""
    async with house(credentials, tmp_path) as home:
        with socket.create_connection((LOOPBACK, home.listener.port)) as stranger:
            stranger.setblocking(False)
            await send(stranger, b"garbage")
            assert (await receive(stranger))[:1] == b"\x03"
            home.first.stop(STOP)
        assert (await home.ended())["reason"] == "protocol_error"
        assert len(home.lines()) == 1


async def test_the_loop_ends_it(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        _, page = await home.client()
        home.sessions._tasks[home.first].cancel()
        with pytest.raises(asyncio.CancelledError):
            await home.sessions._tasks[home.first]
        await page.saw("lost")
        destination = await home.destination()
        assert await receive(destination) == b""
        destination.close()
        await home.first._wait_closed()
        assert home.lines() == []
        assert home.admission.tunnels == 0


@pytest.mark.parametrize("how", ["reset", "hang up"])
async def test_a_probe_leaves_no_line(how: str, credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        probe = socket.create_connection((LOOPBACK, home.listener.port))
        if how == "reset":
            reset(probe)
        probe.close()
        await home.started.wait()
        line = await home.ended()
        assert (line["event"], line["level"]) == ("probe", "debug")


async def test_a_place_is_taken_as_long_as_the_sockets(
    credentials: Credentials, tmp_path: Path
) -> None:
    async with house(credentials, tmp_path, limit=1) as home:
        with socket.create_connection((LOOPBACK, home.listener.port)) as stranger:
            stranger.setblocking(False)
            await send(stranger, b"garbage")
            assert await receive_all(stranger)
            assert home.admission.tunnels == 1  # the stranger has not closed yet
            with pytest.raises(AlertReceivedError, match="overloaded"):
                await home.client()
        await home.ended()
        _, page = await home.client()
        assert page.calls == []
