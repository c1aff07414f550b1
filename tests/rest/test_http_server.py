"""Connections on real sockets: their bounds, and how a stop treats them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.support.garbage import cycles
from tests.support.rest import NOBODY, Connected, Echo, Running, running, until
from tunnel_gateway.rest import http_server
from tunnel_gateway.rest.call import Wanted

PING = b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running([Echo("/ping", Wanted(), "GET")]) as server:
        yield server


async def until_closed(client: Connected) -> float:
    began = time.monotonic()
    async with asyncio.timeout(10):
        assert await client.is_closed()
    return time.monotonic() - began


async def test_a_connection_carries_many_calls(run: Running) -> None:
    client = await run.connect()
    for _ in range(3):
        assert (await client.call("GET", "/ping")).code == 200
    await client.send(PING * 5)  # pipelined
    assert [(await client.reply()).code for _ in range(5)] == [200] * 5
    assert {name: value for name, _, value in run.server.samples()} == {
        "tunnel_gateway_rest_connections": 1,
        "tunnel_gateway_rest_calls_in_progress": 0,
        "tunnel_gateway_rest_body_memory_bytes": 0,
    }


async def test_http_1_0_is_answered_and_closed(run: Running) -> None:
    client = await run.connect()
    await client.send(b"GET /ping HTTP/1.0\r\n\r\n")
    assert (await client.reply()).code == 200
    assert await client.is_closed()


async def test_a_slow_head_is_answered_and_closed(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(http_server, "_LOOK_SECONDS", 0.1)
    slow, silent = await run.connect(), await run.connect()
    await slow.send(PING[:20])
    await asyncio.sleep(0.1)
    await slow.send(PING[20:25])
    reply = await slow.reply()
    assert (reply.code, reply.json["reason"]) == (408, "too_slow")
    assert await slow.is_closed()
    assert await silent.is_closed()
    assert len(run.server) == 0


async def test_a_head_that_does_not_end_is_bounded(run: Running) -> None:
    lines = b"a: " + b"b" * 8000 + b"\r\n"
    for first in (b"", PING):
        client = await run.connect()
        if first:
            await client.send(first)
            assert (await client.reply()).code == 200
        await client.send(PING[:-2])
        for _ in range(32):
            client.writer.write(lines)
        reply = await client.reply()
        assert (reply.code, reply.json["reason"]) == (431, "head_too_large")
        assert len(run.server) == 0


async def test_a_large_body_in_one_read_with_its_head_is_no_head() -> None:
    async with running([Echo("/frontend/x", Wanted(("data",)), "POST")]) as run:
        client = await run.connect()
        for _ in range(3):
            reply = await client.call("POST", "/frontend/x", b"A" * 400_000)
            assert reply.json["sizes"] == [300_000]
            lost = await client.call("POST", "/frontend/y", b"A" * 60_000)  # read after the answer
            assert lost.code == 404


async def test_the_second_head_is_bounded_too(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(http_server, "_LOOK_SECONDS", 0.1)
    client = await run.connect()
    assert (await client.call("GET", "/ping")).code == 200
    await asyncio.sleep(0.6)  # an idle connection is no slow head
    await client.send(PING[:20])
    assert (await client.reply()).code == 408


async def test_the_rest_of_an_unwanted_body_is_no_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(http_server, "_LOOK_SECONDS", 0.05)
    async with running([Echo("/ping", Wanted(), "GET")]) as run:
        client = await run.connect()
        await client.send(b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nAAAA")
        assert (await client.reply()).code == 404
        await asyncio.sleep(0.05)
        await client.send(b"AAAAA")
        await asyncio.sleep(0.6)
        assert (await client.call("GET", "/ping")).code == 200


async def test_an_idle_connection_is_closed(run: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(http_server, "_LOOK_SECONDS", 0.1)
    client = await run.connect()
    assert (await client.call("GET", "/ping")).code == 200
    assert await until_closed(client) > 0.2


async def test_many_slow_clients_do_not_slow_a_fast_one(run: Running) -> None:
    for number in range(64):
        await (await run.connect()).send(PING[: number % len(PING)])
    fast = await run.connect()
    async with asyncio.timeout(5):
        for _ in range(100):
            assert (await fast.call("GET", "/ping")).code == 200


async def test_one_connection_too_many_is_told_so() -> None:
    async with running([Echo("/ping", Wanted(), "GET")], connections=3) as run:
        first = [await run.connect() for _ in range(3)]
        assert [(await client.call("GET", "/ping")).code for client in first] == [200] * 3
        late = await run.connect()
        reply = await late.reply()
        assert (reply.code, reply.json["reason"]) == (503, "overloaded")
        assert reply.headers["cache-control"] == "no-store"
        assert "listen.limit" in reply.json["detail"]
        assert await late.is_closed()
        first[0].writer.close()
        await until(lambda: len(run.server) < 3)
        assert (await run.call("GET", "/ping")).code == 200


async def test_one_stranger_has_a_part_of_the_connections() -> None:
    async with running([Echo("/ping", Wanted(), "GET")], rules=NOBODY, connections=16) as run:
        assert (await (await run.connect()).call("GET", "/ping")).code == 200
        assert (await (await run.connect()).call("GET", "/ping")).code == 200
        assert (await (await run.connect()).reply()).code == 503


async def test_a_stranger_does_not_have_more_parts_by_more_addresses() -> None:
    """A subscriber of IPv6 has a whole /64 network."""
    async with running([Echo("/ping", Wanted(), "GET")], rules=NOBODY, connections=16) as run:
        loop = asyncio.get_running_loop()
        made = []
        for host in ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"):
            connection = http_server.Connection(run.server, run.server._http, loop)
            connection.source = host
            made.append(connection)
        assert [run.server.admit(connection) for connection in made] == [True, True, False, True]
        run.server.forget(made[0])
        assert run.server.admit(made[2])
        for connection in made[1:]:
            run.server.forget(connection)
        assert not run.server._strangers


async def test_a_stop_lets_calls_end(run: Running) -> None:
    echo = run.server.handler.routes.find("/ping", "GET").method
    assert isinstance(echo, Echo)
    echo.before = asyncio.Event()
    idle, busy = await run.connect(), await run.connect()
    await busy.send(PING)
    await until(lambda: echo.calls)
    run.stopping = True
    await run.server.stop_accepting()
    assert await idle.is_closed()
    assert not await run.server.drain(0.05)
    asyncio.get_running_loop().call_later(0.05, echo.before.set)
    assert await run.server.drain(5)
    reply = await busy.reply()
    assert (reply.code, reply.headers["connection"]) == (200, "close")
    assert await busy.is_closed()
    with pytest.raises(OSError, match="refused"):
        await run.connect()


async def test_the_end_cuts_off_what_is_left(run: Running) -> None:
    echo = run.server.handler.routes.find("/ping", "GET").method
    assert isinstance(echo, Echo)
    echo.before = asyncio.Event()
    busy = await run.connect()
    await busy.send(PING)
    await asyncio.sleep(0.05)
    await run.server.stop_accepting()
    await run.server.close()
    await until_closed(busy)


async def test_cycles(run: Running) -> None:
    """No way out of a connection leaves garbage that must be searched for."""
    ways = (
        PING,
        PING * 3,
        b"",
        PING[:20],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PUT /ping HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /frontend/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
        b"GET /ping HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    )
    for way in ways:
        with cycles() as found:
            client = Connected(*await asyncio.open_connection("127.0.0.1", run.port))
            await client.send(way)
            await asyncio.sleep(0.05)
            client.writer.close()
            await until(lambda: not len(run.server))
            del client
            await asyncio.sleep(0.05)
        ours = {name: count for name, count in found.items() if "Connection" in name}
        assert not ours, (way, found)
