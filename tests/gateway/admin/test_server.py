"""Starting and stopping to answer; the answers themselves are in tests/scenarios/test_admin.py."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.admin import Operator, overview
from tests.support.credentials import Credentials
from tests.support.house import house
from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.config_admin import AdminAddress
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.gateway.admin.server import Admin


async def test_it_answers_until_it_is_closed(credentials: Credentials, tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    async with house(credentials, tmp_path) as home:
        admin = Admin((AdminAddress(path=path),), overview(home), home.metrics)
        await admin.start()
        answer = await asyncio.to_thread(Operator(path).ask, "/healthz")
        assert (answer.status, answer.text) == (200, "ok\n")
        assert answer.headers["Server"] == "tunnel-gateway"
        await admin.close()
        assert not path.exists()
        (await home.destination()).close()  # that was the probe


async def test_all_addresses_or_none(credentials: Credentials, tmp_path: Path) -> None:
    good, bad = tmp_path / "admin.sock", tmp_path / "nowhere" / "admin.sock"
    async with house(credentials, tmp_path) as home:
        addresses = (AdminAddress(path=good), AdminAddress(path=bad))
        with pytest.raises(CannotListenError):
            await Admin(addresses, overview(home), home.metrics).start()
        assert not good.exists()


async def test_nowhere_is_nothing(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        admin = Admin((), overview(home), home.metrics)
        await admin.start()
        assert "admin_listening" not in [line["event"] for line in home.lines()]
        await admin.close()


async def test_nonsense_is_answered_and_not_logged(
    credentials: Credentials, tmp_path: Path
) -> None:
    path = tmp_path / "admin.sock"
    async with house(credentials, tmp_path) as home:
        admin = Admin((AdminAddress(path=path),), overview(home), home.metrics)
        await admin.start()
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        async with asyncio.timeout(TIME_LIMIT):
            assert (await reader.readline()).split()[1] == b"400"
        writer.close()
        await writer.wait_closed()
        await admin.close()
        assert not [line for line in home.lines() if "logger" in line]
