"""The user's side leaves no cycle either, however a tunnel, a visitor or a call ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.garbage import cycles
from tests.support.house import house
from tests.support.loopback import LOOPBACK, receive_all, reset, send, stream_and_socket
from tunnel_gateway.agent.handshake import open_tunnel
from tunnel_gateway.agent.pages.address import PageAddress
from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import ShuttingDownError, TunnelGatewayError
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.client import ClientSettings

ORIGIN = "https://example.uz"


async def check(leave: Callable[[], Awaitable[object]]) -> None:
    for _ in range(2):  # what is made once only
        await leave()
    await asyncio.sleep(0.05)
    with cycles() as left:
        for _ in range(3):
            await leave()
        await asyncio.sleep(0.05)
    assert not left


async def connected(port: int) -> socket.socket:
    plain = socket.socket()
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, (LOOPBACK, port))
    return plain


@pytest.mark.parametrize("how", ["dst_id", "domain", "trust", "proxy"])
async def test_a_refused_tunnel(how: str, credentials: Credentials, tmp_path: Path) -> None:
    settings = credentials.settings(
        dst_id="none" if how == "dst_id" else "raw",
        domain="nomalum.uz" if how == "domain" else "example.uz",
    )
    if how == "trust":
        stranger = ChainValidator([credentials.new_authority().root.leaf])
        settings = ClientSettings("example.uz", "raw", settings.identity, stranger)
    options = {"proxy_from": LOOPBACK} if how == "proxy" else {}
    async with house(credentials, tmp_path, **options) as home:
        address = Address(LOOPBACK, home.listener.port)

        async def leave() -> None:
            with pytest.raises(TunnelGatewayError):
                await open_tunnel(address, settings, home.workers.steps())
            await home.sessions.wait_ended()

        await check(leave)


async def test_a_tunnel_that_is_given_up(credentials: Credentials) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent, ThreadPoolExecutor(1) as workers:
        address = Address(LOOPBACK, silent.getsockname()[1])

        async def leave() -> None:
            making = asyncio.create_task(open_tunnel(address, credentials.settings(), workers))
            await asyncio.sleep(0.05)
            making.cancel()
            await asyncio.wait((making,))

        await check(leave)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x03\x00\x02\x0f\x00", b""]
)
@pytest.mark.parametrize("lose", [True, False])
async def test_no_gateway(answer: bytes, lose: bool, credentials: Credentials) -> None:
    with socket.create_server((LOOPBACK, 0)) as listening, ThreadPoolExecutor(1) as workers:
        listening.setblocking(False)
        address = Address(LOOPBACK, listening.getsockname()[1])

        async def serve() -> None:
            plain, _ = await asyncio.get_running_loop().sock_accept(listening)
            await send(plain, answer)
            if lose:
                reset(plain)
            plain.close()

        async def leave() -> None:
            serving = asyncio.create_task(serve())
            with pytest.raises(TunnelGatewayError):
                await open_tunnel(address, credentials.settings(), workers)
            await serving

        await check(leave)


@pytest.mark.parametrize("end", ["nobody", "gateway", "cancel"])
@pytest.mark.parametrize(
    "said",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /", b""],
)
async def test_a_visitor(said: bytes, end: str) -> None:
    async def leave() -> None:
        tunnel, gateway = await stream_and_socket()
        address = PageAddress(ORIGIN)
        # Connected first: the time limit passes while a busy machine lets the visitor wait.
        with await connected(address.port) as visitor:
            accepting = asyncio.create_task(address.accept(tunnel.inbox, 0.1))
            await send(visitor, said)
            await asyncio.sleep(0.02)  # the user is in
            if end == "gateway":
                gateway.close()
            elif end == "cancel":
                accepting.cancel()
            with suppress(OSError):
                await receive_all(visitor)
        await asyncio.wait((accepting,))
        gateway.close()
        tunnel.abort(ShuttingDownError("over"))
        await tunnel.wait_closed()

    await check(leave)
