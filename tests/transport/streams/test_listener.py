"""Accepting: every connection, also after failures, and none after the end."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import socket
from typing import Any, Self

import pytest

from tests.support.loopback import LOOPBACK, TIME_LIMIT, receive, reset
from tunnel_gateway.transport.streams import listener as module
from tunnel_gateway.transport.streams.accepting import accept
from tunnel_gateway.transport.streams.listener import Listener
from tunnel_gateway.transport.streams.stream import Address, SocketStream


class Guests:
    """Who came, and which failures were told."""

    def __init__(self) -> None:
        self.streams: list[SocketStream] = []
        self.failures: list[OSError] = []
        self.came = asyncio.Event()

    def listen(self, host: str = LOOPBACK, port: int = 0, *, shared: bool = False) -> Listener:
        return Listener(
            host,
            port,
            on_connection=self._take,
            on_failure=self.failures.append,
            shared=shared,
        )

    def _take(self, stream: SocketStream) -> None:
        self.streams.append(stream)
        self.came.set()

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(TIME_LIMIT):
            while len(self.streams) < count:
                self.came.clear()
                await self.came.wait()


async def goodbye(guests: Guests, *plain: socket.socket) -> None:
    for one in plain:
        one.close()
    for stream in guests.streams:
        stream.close()
        await stream.wait_closed()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_connections_come_in(host: str) -> None:
    guests = Guests()
    listener = guests.listen(host)
    port = listener.port
    plain = [socket.create_connection((host, port)) for _ in range(20)]
    await guests.wait(20)
    await listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port))
    guests.streams[0].write(b"salom")  # what was accepted goes on
    names = {one.getsockname(): one for one in plain}
    first = guests.streams[0].peer
    names[first].setblocking(False)
    assert await receive(names[first]) == b"salom"
    assert guests.failures == []
    await goodbye(guests, *plain)


async def test_who_has_reset_it_before_has_an_address() -> None:
    guests = Guests()
    listener = guests.listen()
    with socket.create_connection((LOOPBACK, listener.port)) as plain:
        address = plain.getsockname()
        reset(plain)  # nothing of ours has run since it connected
    await guests.wait(1)
    assert guests.streams[0].peer == address
    await listener.close()
    await goodbye(guests)


async def test_it_tries_again_when_accept_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [OSError(errno.EMFILE, "Too many open files")] * 4

    async def accept_or_fail(listening: socket.socket) -> tuple[socket.socket, Address]:
        if failures:
            raise failures.pop()
        return await accept(listening)

    monkeypatch.setattr(module, "accept", accept_or_fail)
    monkeypatch.setattr(module, "LAST_DELAY_SECONDS", 0.01)
    guests = Guests()
    listener = guests.listen()
    with socket.create_connection((LOOPBACK, listener.port)) as plain:
        await guests.wait(1)
        assert [error.errno for error in guests.failures] == [errno.EMFILE]  # told once
        await listener.close()
        await goodbye(guests, plain)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("inherited", [True, False])
async def test_connections_have_the_options_of_every_stream(
    host: str, inherited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the listening socket, and on systems where they have not, from the stream."""
    monkeypatch.setattr(module, "_INHERITED", inherited)
    guests = Guests()
    listener = guests.listen(host)
    with socket.create_connection((host, listener.port)) as plain:
        await guests.wait(1)
        (stream,) = guests.streams
        accepted = stream._transport.get_extra_info("socket")
        for level, option, value in (
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 120_000),
        ):
            assert accepted.getsockopt(level, option) == value
        await listener.close()
        await goodbye(guests, plain)


async def test_a_connection_that_breaks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [OSError(errno.ECONNRESET, "Connection reset by peer")]

    class Unlucky(SocketStream):
        @classmethod
        async def of(cls, connection: socket.socket, *arguments: Any, **named: Any) -> Self:
            if failures:
                connection.close()
                raise failures.pop()
            return await super().of(connection, *arguments, **named)

    monkeypatch.setattr(module, "SocketStream", Unlucky)
    guests = Guests()
    listener = guests.listen()
    with (
        socket.create_connection((LOOPBACK, listener.port)) as unlucky,
        socket.create_connection((LOOPBACK, listener.port)) as plain,
    ):
        await guests.wait(1)
        unlucky.setblocking(False)
        assert await receive(unlucky) == b""
        assert guests.failures == []
        await listener.close()
        await goodbye(guests, plain)


async def test_who_cannot_be_handed_over_ends_alone(log: io.StringIO) -> None:
    guests = Guests()
    refused: list[SocketStream] = []

    def take(stream: SocketStream) -> None:
        if not refused:
            refused.append(stream)
            raise MemoryError
        guests._take(stream)

    listener = Listener(LOOPBACK, 0, on_connection=take, on_failure=guests.failures.append)
    with (
        socket.create_connection((LOOPBACK, listener.port)) as unlucky,
        socket.create_connection((LOOPBACK, listener.port)) as plain,
    ):
        await guests.wait(1)
        unlucky.setblocking(False)
        assert await receive(unlucky) == b""
        assert json.loads(log.getvalue())["loop"] == "accept"
        await listener.close()
        await goodbye(guests, plain)


async def test_an_address_that_is_taken() -> None:
    guests = Guests()
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on {LOOPBACK}:{port}: Address already"):
            guests.listen(port=port)
    with pytest.raises(OSError, match=r"cannot listen on 192.0.2.1:1234: "):
        guests.listen("192.0.2.1", 1234)


async def test_two_share_a_port_when_both_say_so() -> None:
    first, second = Guests(), Guests()
    second.came = first.came
    one = first.listen(shared=True)
    other = second.listen(port=one.port, shared=True)
    with pytest.raises(OSError, match="Address already in use"):
        first.listen(port=one.port)
    # All on one side would be a coin that falls 63 times as the first time.
    plain = [socket.create_connection((LOOPBACK, one.port)) for _ in range(64)]
    async with asyncio.timeout(TIME_LIMIT):
        while len(first.streams) + len(second.streams) < len(plain):
            first.came.clear()
            await first.came.wait()
    assert first.streams
    assert second.streams
    await one.close()
    with socket.create_connection((LOOPBACK, other.port)):  # one may go, the port stays
        pass
    await other.close()
    await goodbye(first, *plain)
    await goodbye(second)


async def test_a_port_that_is_not_shared_is_taken() -> None:
    guests = Guests()
    only = guests.listen()
    with pytest.raises(OSError, match="Address already in use"):
        guests.listen(port=only.port, shared=True)
    await only.close()
