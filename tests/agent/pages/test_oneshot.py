"""The local address: one connection, for so long, as long as the tunnel lives."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.support.loopback import TIME_LIMIT, reset, send, stream_and_socket
from tunnel_gateway.agent.pages.oneshot import OneShotAddress
from tunnel_gateway.errors import (
    ProtocolViolationError,
    TimedOutError,
    TruncatedError,
)
from tunnel_gateway.transport.streams.stream import SocketStream


def place(address: OneShotAddress) -> tuple[str, int]:
    host, _, port = str(address).rpartition(":")
    assert host == "127.0.0.1"
    return host, int(port)


async def close(plain: socket.socket, *streams: SocketStream) -> None:
    plain.close()
    for stream in streams:
        stream.close()
        await stream.wait_closed()


async def test_one_connection_and_no_second() -> None:
    tunnel, gateway = await stream_and_socket()
    address = OneShotAddress()
    accepting = asyncio.create_task(address.accept(tunnel.inbox, TIME_LIMIT))
    with socket.create_connection(place(address)) as page:
        local = await accepting
        assert local.peer == page.getsockname()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place_of(local))
    await close(gateway, tunnel, local)


def place_of(local: SocketStream) -> tuple[str, int]:
    host, port = local._transport.get_extra_info("sockname")
    return host, port


async def test_nobody_comes() -> None:
    tunnel, gateway = await stream_and_socket()
    address = OneShotAddress()
    where = place(address)
    with pytest.raises(TimedOutError, match=rf"nobody connected to {address} in 0.05 s"):
        await address.accept(tunnel.inbox, 0.05)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where)
    await close(gateway, tunnel)


async def test_the_tunnel_is_lost_meanwhile() -> None:
    tunnel, gateway = await stream_and_socket()
    accepting = asyncio.create_task(OneShotAddress().accept(tunnel.inbox, TIME_LIMIT))
    reset(gateway)
    with pytest.raises(ConnectionResetError):
        await accepting


async def test_the_gateway_closes_meanwhile() -> None:
    tunnel, gateway = await stream_and_socket()
    accepting = asyncio.create_task(OneShotAddress().accept(tunnel.inbox, TIME_LIMIT))
    gateway.shutdown(socket.SHUT_WR)
    with pytest.raises(TruncatedError, match="closed the tunnel before the page connected"):
        await accepting
    await close(gateway, tunnel)


async def test_the_gateway_speaks_first() -> None:
    tunnel, gateway = await stream_and_socket()
    accepting = asyncio.create_task(OneShotAddress().accept(tunnel.inbox, TIME_LIMIT))
    await send(gateway, b"\x1b[2Jhello")
    with pytest.raises(ProtocolViolationError) as caught:
        await accepting
    assert "\x1b" not in str(caught.value)
    await close(gateway, tunnel)
