"""Starting and stopping to answer; the answers themselves are in tests/scenarios/test_admin.py."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.admin import Operator, overview
from tests.support.credentials import Credentials
from tests.support.house import house
from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.config.admin import AdminAddress
from tunnel_gateway.daemon.admin import guard
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.gateway.admin.admin_server import Admin
from tunnel_gateway.observability.few_lines import FewLines


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


REQUEST = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
TOO_LARGE = (
    REQUEST + b"Cookie: " + b"a" * 16_400 + b"\r\n\r\n",
    REQUEST + b"Cookie: " + b"a" * 100_000,
    REQUEST + (b"X-A: " + b"a" * 4096 + b"\r\n") * 4 + b"\r\n",
    REQUEST + b"X-A: b\r\n" * 200 + b"\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (REQUEST + b"Cookie: " + b"a" * 15_000 + b"\r\n\r\n", 200),
        *((data, 431) for data in TOO_LARGE),
        (REQUEST + b"Host: b\r\n\r\n", 400),
        (b"\x16\x03\x01\r\n\r\n", 400),
        (REQUEST + b"Origin: https://yomon.uz\r\n\r\n", 403),
    ],
)
async def test_who_is_turned_away_is_told_and_logged(
    data: bytes,
    status: int,
    credentials: Credentials,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "admin.sock"
    monkeypatch.setattr(guard, "_few_lines", FewLines())
    async with house(credentials, tmp_path) as home:
        admin = Admin((AdminAddress(path=path),), overview(home), home.metrics)
        await admin.start()
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(data)
        async with asyncio.timeout(TIME_LIMIT):
            assert int((await reader.readline()).split()[1]) == status
        writer.close()
        await admin.close()
        lines = [line for line in home.lines() if line["event"] == "admin_refused"]
        assert [line["status"] for line in lines] == ([] if status == 200 else [status])
        assert not [line for line in home.lines() if "logger" in line]


async def test_nothing_is_answered_behind_a_refusal(
    credentials: Credentials, tmp_path: Path
) -> None:
    path = tmp_path / "admin.sock"
    refused = b"GET /healthz HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nConnection: Upgrade\r\n"
    async with house(credentials, tmp_path) as home:
        admin = Admin((AdminAddress(path=path),), overview(home), home.metrics)
        await admin.start()
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(refused + b"Upgrade: websocket\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), TIME_LIMIT)
        assert answer.count(b"HTTP/1.") == 1
        assert answer.endswith(b"\r\n\r\npages may not ask here\n")
        writer.close()
        await admin.close()
