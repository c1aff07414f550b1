"""The way of a connection in: what can go wrong before its tunnel is open.

tests/gateway/test_session.py has the ends, and tests/scenarios the refusals.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.house import house
from tests.support.loopback import LOOPBACK, receive, receive_all
from tunnel_gateway.config.destinations import Destination
from tunnel_gateway.errors import AlertReceivedError
from tunnel_gateway.gateway import entrance as module
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.transport.streams.channel import Channel
from tunnel_gateway.transport.streams.stream import SocketStream


async def test_an_open_tunnel_needs_none_of_it(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        _, page, destination = await home.open()
        assert home.first.open
        assert home.first._entrance is None
        assert page.calls == []
        destination.close()


async def test_the_client_leaves_while_the_gateway_connects(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(credentials, tmp_path) as home:
        connecting, go_on = asyncio.Event(), asyncio.Event()

        connect = home.destinations.connect

        async def slow(destination: Destination, time_limit: float) -> SocketStream:
            connecting.set()
            await go_on.wait()
            return await connect(destination, time_limit)

        monkeypatch.setattr(home.destinations, "connect", slow)
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
        assert line["user"] == "G… O…"


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


async def test_a_short_chain_is_completed(credentials: Credentials, tmp_path: Path) -> None:
    """The folder of centres counts for our own protocol too."""
    folder = tmp_path / "centres"
    folder.mkdir()
    user = credentials.citizen.identity
    alone = replace(user, chain=user.chain[:1])
    async with house(credentials, tmp_path, intermediates_dir=folder) as home:
        with pytest.raises(AlertReceivedError, match="certificate_untrusted"):
            await home.client(identity=alone)
    (folder / "centre.pem").write_bytes(to_pem(user.chain[1:]))
    async with house(credentials, tmp_path, intermediates_dir=folder) as home:
        await home.client(identity=alone)
        (await home.destination()).close()
