"""No way out of a connection leaves a cycle: neither of ours nor of anything that it used."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.garbage import cycles
from tests.support.house import House, house
from tests.support.loopback import LOOPBACK, receive_all, reset, send

Exit = Callable[[House], Awaitable[object]]


# --- strangers ----------------------------------------------------------------------------------


async def connect(home: House) -> socket.socket:
    plain = socket.socket()
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, (LOOPBACK, home.listener.port))
    return plain


def says(data: bytes, *, then: str = "listens") -> Exit:
    async def leave(home: House) -> None:
        plain = await connect(home)
        if data:
            await send(plain, data)
        if then == "resets":
            await asyncio.sleep(0.05)
            reset(plain)
            return
        if then == "ends":
            plain.shutdown(socket.SHUT_WR)
        await receive_all(plain)
        plain.close()

    return leave


EXITS: dict[str, Exit] = {
    "garbage": says(b"garbage"),
    "a bad hello": says(b"\x01\x00\x04ABCD"),
    "too long": says(b"\x01\xff\xff"),
    "no keys yet": says(b"\x02\x00\x01A"),
    "an alert": says(b"\x03\x00\x04\x0d\x02ab"),
    "nothing": says(b"", then="ends"),
    "a reset": says(b"", then="resets"),
    "a part": says(b"\x01\x00\x80EIM", then="ends"),
    "a part and a reset": says(b"\x01\x00\x80EIM", then="resets"),
    "silence": says(b""),
}


@pytest.mark.parametrize("leave", EXITS.values(), ids=EXITS)
async def test_none_is_left(leave: Exit, credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path, handshake_timeout=0.3) as home:
        for _ in range(2):  # what is made once only
            await leave(home)
            await home.sessions.wait_ended()
        with cycles() as left:
            await leave(home)
            await home.sessions.wait_ended()
            await asyncio.sleep(0.02)
    assert not left


# --- open tunnels -------------------------------------------------------------------------------


async def one_tunnel(home: House, end: str) -> None:
    tunnel, page, destination = await home.open()
    if end == "completed":
        tunnel.channel.write_eof()
        destination.close()
        await page.saw("eof")
    elif end == "page":
        tunnel.channel.close()
    else:
        destination.close()
        await page.saw("eof")
    await home.leave()
    destination.close()
    await home.sessions.wait_ended()


@pytest.mark.parametrize("end", ["completed", "page", "destination"])
async def test_a_tunnel_leaves_none(end: str, credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path, bandwidth=10_000_000) as home:
        for _ in range(2):
            await one_tunnel(home, end)
        with cycles() as left:
            await one_tunnel(home, end)
            await asyncio.sleep(0.02)
    assert not left
