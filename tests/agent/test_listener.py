"""The service's sockets; most of what they do is in tests/scenarios/test_agent_service.py."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.loopback import LOOPBACK, TIME_LIMIT
from tests.support.page import VENDOR_KEYS
from tunnel_gateway.agent import listener
from tunnel_gateway.agent.apikey import ApiKeys
from tunnel_gateway.agent.calls import Caller, Function, Result
from tunnel_gateway.agent.listener import PATH, Listener
from tunnel_gateway.agent.service import Service
from tunnel_gateway.errors import CannotListenError


class Slow:
    """A function that ends only when its call does."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, caller: Caller, arguments: Sequence[str]) -> Result:
        self.called.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return {}


@asynccontextmanager
async def listening(slow: Slow | None = None) -> AsyncIterator[tuple[Listener, int]]:
    function = Function("test", "wait", (), "waits", slow or Slow())
    made = Listener(Service([function], ApiKeys()), 0)
    port = await made.start()
    try:
        async with asyncio.timeout(TIME_LIMIT):
            yield made, port
    finally:
        await made.close()


def page(port: int, **options: Any) -> Any:
    options = {"origin": "http://localhost", "proxy": None} | options
    return connect(f"ws://{LOOPBACK}:{port}{PATH}", **options)


async def end_of(one: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as caught:
        await one.recv()
    return caught.value.rcvd.code if caught.value.rcvd else None


async def test_a_page_that_leaves_ends_its_call() -> None:
    slow = Slow()
    async with listening(slow) as (_, port), page(port) as one:
        await one.send(json.dumps({"name": "apikey", "arguments": VENDOR_KEYS}))
        await one.recv()
        await one.send('{"plugin":"test","name":"wait"}')
        await slow.called.wait()
        await one.close()
        await slow.cancelled.wait()


async def test_stopping_ends_calls_too() -> None:
    slow = Slow()
    async with listening(slow) as (made, port), page(port) as one:
        await one.send(json.dumps({"name": "apikey", "arguments": VENDOR_KEYS}))
        await one.recv()
        await one.send('{"plugin":"test","name":"wait"}')
        await slow.called.wait()
        await made.close()
        await slow.cancelled.wait()
        assert await end_of(one) == 1001


async def test_silence_ends_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "SILENCE_SECONDS", 0.05)
    async with listening() as (_, port), page(port) as one:
        assert await end_of(one) == 1000


async def test_a_request_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "REQUEST_SECONDS", 0.05)
    async with listening() as (_, port):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(b"GET /")
        assert await reader.read() == b""
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def test_only_so_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_CONNECTIONS", 1)
    async with listening() as (_, port), page(port) as one:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        await one.send('{"name":"version"}')
        assert json.loads(await one.recv())["success"] is True


async def test_a_port_that_is_taken() -> None:
    async with listening() as (_, port):
        second = Listener(Service([], ApiKeys()), port)
        with pytest.raises(CannotListenError, match=str(port)):
            await second.start()
