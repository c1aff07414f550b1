"""The client's address: the socket's own, or the one in a balancer's header."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest

from tests.support.loopback import TIME_LIMIT, reset, send, stream_and_socket
from tunnel_gateway.errors import (
    ProtocolViolationError,
    TimedOutError,
    TruncatedError,
    TunnelGatewayError,
)
from tunnel_gateway.gateway.balancers import ClientAddress, read_client_address
from tunnel_gateway.transport.streams.stream import SocketStream
from tunnel_gateway.transport.wire.proxy_protocol import Header, HeaderReader, Tlv

Networks = Sequence[IPv4Network | IPv6Network]

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
ELSEWHERE = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
GIVEN = Header(("198.51.100.7", 1234), ("203.0.113.1", 8843))


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[SocketStream, socket.socket]]:
    stream, plain = await stream_and_socket()
    try:
        yield stream, plain
    finally:
        plain.close()
        stream.abort(TunnelGatewayError("the test is over"))
        await stream.wait_closed()


def in_seconds(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


@pytest.mark.parametrize("balancers", [(), ELSEWHERE])
async def test_a_peer_that_is_not_a_balancer_is_the_client(balancers: Networks) -> None:
    async with pair() as (stream, plain):
        await send(plain, GIVEN.serialize_v1())
        found = await read_client_address(stream, balancers, in_seconds(TIME_LIMIT))
        assert found == ClientAddress(plain.getsockname())
        assert await stream.inbox.receive() == GIVEN.serialize_v1()  # the protocol will refuse it


@pytest.mark.parametrize("wire", [GIVEN.serialize_v1(), GIVEN.serialize_v2()])
async def test_a_balancer_tells_the_client(wire: bytes) -> None:
    async with pair() as (stream, plain):
        await send(plain, wire[:9])
        finding = asyncio.create_task(read_client_address(stream, LOOPBACK, in_seconds(TIME_LIMIT)))
        await asyncio.sleep(0)
        await send(plain, wire[9:] + b"\x01\x00")
        found = await finding
        assert found == ClientAddress(GIVEN.source, GIVEN.destination)
        assert (str(found), found.host) == ("198.51.100.7:1234", "198.51.100.7")
        assert stream.received
        assert await stream.inbox.receive() == b"\x01\x00"


@pytest.mark.parametrize("wire", [b"PROXY UNKNOWN\r\n", Header().serialize_v2()])
async def test_a_balancer_on_its_own_account(wire: bytes) -> None:
    async with pair() as (stream, plain):
        await send(plain, wire)
        found = await read_client_address(stream, LOOPBACK, in_seconds(TIME_LIMIT))
        assert found == ClientAddress(plain.getsockname())
        assert not stream.received  # a probe, if nothing more comes


async def test_a_balancer_without_a_header() -> None:
    async with pair() as (stream, plain):
        await send(plain, b"\x01")
        with pytest.raises(ProtocolViolationError) as caught:
            await read_client_address(stream, LOOPBACK, in_seconds(TIME_LIMIT))
    assert str(caught.value) == (
        "no PROXY protocol header; every connection from an address of tunnel.proxy.from must"
        " begin with one: correct the balancer, or remove the address if it is not a"
        " balancer"
    )


async def test_a_balancer_that_says_half_of_it() -> None:
    async with pair() as (stream, plain):
        await send(plain, b"PROXY TCP4 ")
        with pytest.raises(TimedOutError, match="the PROXY header was not complete in time"):
            await read_client_address(stream, LOOPBACK, in_seconds(0.05))
        plain.shutdown(socket.SHUT_WR)
        with pytest.raises(TruncatedError, match="before a whole PROXY header"):
            await read_client_address(stream, LOOPBACK, in_seconds(TIME_LIMIT))


async def test_a_time_out_of_the_system_is_no_time_limit() -> None:
    async with pair() as (stream, _):
        stream.inbox.connection_lost(TimeoutError("Connection timed out"))
        with pytest.raises(TimeoutError, match="Connection timed out"):
            await read_client_address(stream, LOOPBACK, in_seconds(TIME_LIMIT))


async def test_a_balancer_that_is_gone() -> None:
    async with pair() as (stream, plain):
        reset(plain)
        await stream.wait_closed()
        with pytest.raises(OSError, match="reset"):
            await read_client_address(stream, LOOPBACK, in_seconds(TIME_LIMIT))


@pytest.mark.parametrize(
    ("peer", "text"),
    [
        (("::1", 5, 0, 0), "[::1]:5"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1:5"),
        (("fe80::1%eth0", 5, 0, 2), "[fe80::1]:5"),
        (None, "unknown"),
    ],
)
async def test_addresses_of_other_kinds(peer: tuple[str, int, int, int] | None, text: str) -> None:
    stream = SocketStream(peer)
    source = await read_client_address(stream, ELSEWHERE, in_seconds(TIME_LIMIT))
    assert str(source) == text
    assert source.host == (text[1:-3] if "[" in text else text.partition(":")[0])


# --- what a destination is told ------------------------------------------------------------


def read(wire: bytes) -> Header | None:
    return HeaderReader().receive_data(wire)


def test_what_a_destination_is_told() -> None:
    source = ClientAddress(("192.0.2.1", 5))
    local = ("::ffff:10.0.0.1", 8843, 0, 0)
    ends = ("192.0.2.1", 5), ("10.0.0.1", 8843)
    assert read(source.header("v1", local, "example.uz", "5f" * 16)) == Header(*ends)
    tlvs = ((Tlv.AUTHORITY, b"example.uz"), (Tlv.UNIQUE_ID, b"5f" * 16))
    assert read(source.header("v2", local, "example.uz", "5f" * 16)) == Header(*ends, tlvs)
    assert read(source.header("v2", local)) == Header(*ends)
    told = ClientAddress(GIVEN.source, GIVEN.destination)
    assert read(told.header("v1", local)) == GIVEN
    assert read(ClientAddress(None).header("v1", local)) == Header()
    assert read(source.header("v1", None)) == Header()
