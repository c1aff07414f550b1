"""One connection from its accept to its line in the log, inside one process.

What needs no real process is here, above all what hangs on a moment; tests/scenarios has the rest.
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
from tests.support.loopback import LOOPBACK, RESET, receive, receive_all, reset, send
from tests.support.peer import UPGRADE
from tunnel_gateway.errors import AlertReceivedError, ShuttingDownError
from tunnel_gateway.gateway import session as module
from tunnel_gateway.gateway.destinations import connect
from tunnel_gateway.transport.channel import Channel
from tunnel_gateway.transport.stream import SocketStream

# A time-out of the system is an OSError and a TimeoutError at once.
UNACKNOWLEDGED = OSError(errno.ETIMEDOUT, "Connection timed out")
STOP = ShuttingDownError("the gateway is stopping")


async def test_a_whole_tunnel(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        tunnel, page = await home.client()
        destination = await home.destination()
        assert not home.sessions[0].open
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
        start = home._start

        def start_and_stop(stream: SocketStream) -> None:
            start(stream)
            home.sessions[0].stop(STOP)

        home.listener._on_connection = start_and_stop
        with pytest.raises(AlertReceivedError, match="shutting_down"):
            await home.client()
        assert (await home.ended())["reason"] == "shutting_down"


async def test_a_stop_while_the_page_is_awaited(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        _, page = await home.client()
        destination = await home.destination()
        home.sessions[0].stop(STOP)
        home.sessions[0].stop(STOP)
        await page.saw("lost")
        assert "shutting_down" in str(page.error)
        assert await receive(destination) == b""
        destination.close()
        assert (await home.ended())["reason"] == "shutting_down"


async def test_a_stop_of_an_open_tunnel(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        tunnel, page = await home.client()
        destination = await home.destination()
        tunnel.channel.write(UPGRADE)
        await head(destination)
        await send(destination, SWITCHED)
        await page.received(len(SWITCHED))
        home.sessions[0].stop(STOP)
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
            home.sessions[0].stop(STOP)
        assert (await home.ended())["reason"] == "protocol_error"
        assert len(home.lines()) == 1


async def test_the_loop_ends_it(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        _, page = await home.client()
        home.tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await home.tasks[0]
        await page.saw("lost")
        destination = await home.destination()
        assert await receive(destination) == b""
        destination.close()
        await home.sessions[0]._wait_closed()
        assert home.lines() == []
        assert home.admission.tunnels == 0


async def test_the_client_leaves_while_the_gateway_connects(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(credentials, tmp_path) as home:
        connecting, go_on = asyncio.Event(), asyncio.Event()

        async def slow(*arguments: object) -> SocketStream:
            connecting.set()
            await go_on.wait()
            return await connect(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(module, "connect", slow)
        making = asyncio.create_task(home.client())
        await connecting.wait()
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        go_on.set()
        destination = await home.destination()
        assert await receive(destination) == b""
        destination.close()
        line = await home.ended()
        assert (line["event"], line["reason"]) == ("tunnel_refused", "truncated")
        assert line["user"] == credentials.citizen.identity.leaf.common_name


async def test_an_error_of_our_own(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_destination", lambda *_: 1 // 0)
    async with house(credentials, tmp_path) as home:
        with pytest.raises(AlertReceivedError, match="internal_error"):
            await home.client()
        await home.ended()
        error, line = home.lines()
        assert error["event"] == "internal_error"
        assert "ZeroDivisionError" in error["exception"]
        assert error["user"] == line["user"]
        assert line["reason"] == "internal_error"


async def test_a_handshake_without_a_client(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(_: object) -> None: ...

    monkeypatch.setattr(Channel, "handshake", nobody)
    async with house(credentials, tmp_path) as home:
        with socket.create_connection((LOOPBACK, home.listener.port)) as stranger:
            stranger.setblocking(False)
            await receive_all(stranger)
        assert (await home.ended())["detail"] == "the handshake gave no client"


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


@pytest.mark.parametrize("how", ["end", "reset", "silence"])
async def test_a_refusal_of_the_destination_is_bounded(
    how: str, credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REFUSAL_SECONDS", 0.2)
    async with house(credentials, tmp_path) as home:
        tunnel, page = await home.client()
        destination = await home.destination()
        tunnel.channel.write(UPGRADE)
        await head(destination)
        answer = b"HTTP/1.1 403 Forbidden\r\n\r\n"
        await send(destination, answer)
        assert await page.received(len(answer)) == answer
        if how == "end":
            destination.shutdown(socket.SHUT_WR)
        elif how == "reset":
            reset(destination)
        await page.saw("eof")
        destination.close()
        assert (await home.ended())["reason"] == "upgrade_refused"


async def test_a_refusal_without_end(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        tunnel, page = await home.client()
        destination = await home.destination()
        tunnel.channel.write(UPGRADE)
        await head(destination)
        page_bytes = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(10_000_000)
        sending = asyncio.create_task(send(destination, page_bytes))
        await page.saw("eof")
        assert len(page.data) == module._REFUSAL_BYTES
        destination.shutdown(socket.SHUT_RDWR)
        await asyncio.gather(sending, return_exceptions=True)
        destination.close()
        assert (await home.ended())["reason"] == "upgrade_refused"


@pytest.mark.parametrize("how", ["reset", "silent", "cut off", "leave"])
async def test_the_client_is_gone_before_the_answer(
    how: str, credentials: Credentials, tmp_path: Path
) -> None:
    """Its place, descriptors and connection to the application do not wait for a time-out."""
    async with house(credentials, tmp_path, upgrade_timeout=60) as home:
        tunnel, page = await home.client()
        destination = await home.destination()
        tunnel.channel.write(UPGRADE)
        await head(destination)
        stream = tunnel.channel._stream
        if how == "leave":
            tunnel.channel.close()
        elif how == "silent":
            home.sessions[0]._channel.connection_lost(UNACKNOWLEDGED)
        else:
            if how == "reset":
                plain = stream._transport.get_extra_info("socket")
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            stream.abort(STOP)
        await page.saw("lost")
        assert await receive(destination) == b""
        destination.close()
        line = await home.ended()
        assert line["event"] == "tunnel_refused"
        assert line["reason"] == ("peer_lost" if how in ("reset", "silent") else "truncated")


async def test_the_client_is_gone_amid_a_refusal(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REFUSAL_SECONDS", 60)
    async with house(credentials, tmp_path) as home:
        tunnel, page = await home.client()
        destination = await home.destination()
        tunnel.channel.write(UPGRADE)
        await head(destination)
        await send(destination, b"HTTP/1.1 403 Forbidden\r\n\r\n")
        await page.received(1)
        tunnel.channel.close()
        assert await receive(destination) == b""
        destination.close()
        assert (await home.ended())["reason"] == "upgrade_refused"


async def test_the_answer_may_come_in_pieces(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        tunnel, page = await home.client()
        destination = await home.destination()
        tunnel.channel.write(UPGRADE + b"erta")
        await head(destination)
        await send(destination, SWITCHED[:5])
        assert home.sessions[0].open is False
        await send(destination, SWITCHED[5:])
        assert await page.received(len(SWITCHED)) == SWITCHED
        assert await receive(destination) == b"erta"
        reset(destination)
        await page.saw("lost")
        assert "destination_unreachable" in str(page.error)
        assert (await home.ended())["reason"] == "destination_lost"
