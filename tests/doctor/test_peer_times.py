"""Servers that the gateway asks: they answer or not, and their clocks."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from tests.support.loopback import LOOPBACK
from tests.support.processes import ReservedPort
from tunnel_gateway.doctor import peer_times, texts
from tunnel_gateway.doctor.observation import Observation
from tunnel_gateway.doctor.peer_times import MAX_ADDRESSES, check_addresses


@asynccontextmanager
async def server(
    answer: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(answer))  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


async def look(*urls: str) -> list[Observation]:
    return [seen async for seen in check_addresses(urls)]


async def test_no_addresses() -> None:
    (seen,) = await look()
    assert seen.row is texts.NO_ADDRESSES


@pytest.mark.parametrize(
    ("offset", "row"), [(0, texts.CLOCK_AGREES), (3600, texts.CLOCK_OFF), (-90, texts.CLOCK_OFF)]
)
async def test_answers_and_clocks(offset: int, row: object) -> None:
    async def answer(_: web.Request) -> web.Response:
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=offset), usegmt=True)
        return web.Response(status=404, headers={"Date": date})

    async with server(answer) as url:
        seen = await look(f"{url}/ocsp", f"{url}/crl")
    assert [each.row for each in seen] == [texts.ADDRESS_ANSWERS, texts.ADDRESS_ANSWERS, row]
    assert seen[0].facts["status"] == "404"
    assert seen[2].subject == url.removeprefix("http://")


async def test_a_redirect_is_not_followed() -> None:
    paths = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with server(answer) as url:
        assert (await look(f"{url}/crl"))[0].facts["status"] == "302"
    assert paths == ["/crl"]


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Mon, 99 Jan 2026 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Fri, 31 Dec 99999999999 23:59:59 GMT",
    ],
)
async def test_an_odd_date(date: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers={"Date": date})

    async with server(answer) as url:
        assert [each.row for each in await look(url)] == [texts.ADDRESS_ANSWERS]


async def test_nobody_answers(closed_port: ReservedPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_times, "_SECONDS", 0.3)
    with socket.create_server((LOOPBACK, 0)) as silent:
        addresses = [
            f"http://{LOOPBACK}:{closed_port.number}/",
            f"http://{LOOPBACK}:{silent.getsockname()[1]}/",
            "http://yoq.invalid/",
            "http://[odd/",
        ]
        seen = await look(*addresses)
    assert [each.row for each in seen] == [texts.ADDRESS_SILENT] * 4
    assert seen[0].facts["fault"] == "Connection refused"
    assert "0.3 s" in seen[1].facts["fault"]


async def test_a_bound_on_their_number(closed_port: ReservedPort) -> None:
    urls = [f"http://{LOOPBACK}:{closed_port.number}/{number}" for number in range(40)]
    assert len(await look(*urls)) == MAX_ADDRESSES
