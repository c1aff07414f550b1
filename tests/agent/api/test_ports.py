"""The two pairs of ports, without processes; tests/scenarios/test_agent_ports.py has these."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests.support.loopback import LOOPBACK
from tunnel_gateway.agent.api import ports
from tunnel_gateway.agent.api.apikey import ApiKeys
from tunnel_gateway.agent.api.dispatch import Dispatcher
from tunnel_gateway.agent.api.ports import NOT_KNOWN, PAIRS, PortKeeper, Ports, answers
from tunnel_gateway.agent.api.sockets import MAX_SOCKETS_OF_ONE, PATH
from tunnel_gateway.errors import CannotListenError


def keeper(wanted: Ports | None = None) -> PortKeeper:
    return PortKeeper(Dispatcher([], ApiKeys()), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), wanted)


def test_the_pairs_that_pages_know() -> None:
    assert [(pair.ws, pair.wss) for pair in PAIRS] == [(64646, 64443), (64647, 64444)]


async def test_exactly_the_wanted_ports() -> None:
    keeping = keeper(Ports(0, 0))
    found, holder = await keeping.start()
    try:
        assert holder is None
        assert await answers(found.ws)
        assert await answers(found.wss)
        other = keeper(Ports(0, found.wss))
        with pytest.raises(CannotListenError, match=str(found.wss)):
            await other.start()
        await other.close()
    finally:
        await keeping.close()
    assert not await answers(found.ws)


async def test_a_program_that_takes_no_more_connections_has_its_port() -> None:
    with socket.create_server((LOOPBACK, 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex((LOOPBACK, port))
        assert await answers(port)
        for each in waiting:
            each.close()


async def test_other_systems_do_not_say_who_has_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with socket.create_server((LOOPBACK, 0)) as taken, socket.create_server((LOOPBACK, 0)) as tls:
        pair = Ports(taken.getsockname()[1], tls.getsockname()[1])
        monkeypatch.setattr(ports, "PAIRS", (pair, Ports(0, 0)))
        keeping = keeper()
        found, holder = await keeping.start()
        assert found not in (pair, Ports(0, 0))
        assert holder == NOT_KNOWN
        await keeping.close()
        with pytest.raises(CannotListenError, match=f"another program listens on .*{pair.ws}"):
            await keeper(pair).start()


async def test_a_look_that_hangs_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line of a process that hangs cannot be read, as `ps` knows."""
    monkeypatch.setattr(ports, "_PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(ports, "PAIRS", (Ports(0, 0), Ports(0, 0)))
    keeping = keeper()
    never: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(ports, "in_thread", lambda _: never)
    found, holder = await keeping.start()
    assert await answers(found.ws)
    assert holder is None
    await keeping.close()


async def test_a_page_has_its_sockets_on_both_pairs_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ports, "PAIRS", (Ports(0, 0), Ports(0, 0)))
    keeping = keeper()
    first, _ = await keeping.start()
    assert keeping._first is not None
    await keeping._leave_first(keeping._first)  # as if an E-IMZO started
    await keeping._take_first()
    assert keeping._first is not None
    assert keeping._second is not None
    pages = [keeping._first.ports.ws, keeping._second.ports.ws]
    assert first.ws not in pages
    try:
        async with AsyncExitStack() as stack:
            for number in range(MAX_SOCKETS_OF_ONE):
                await stack.enter_async_context(page(pages[number % 2]))
            one_more = await stack.enter_async_context(page(pages[0]))
            await one_more.send('{"name":"version"}')
            assert "too_many_sockets" in str(await one_more.recv())
        async with page(pages[1]) as again:
            await again.send('{"name":"version"}')
            assert "tunnel-gateway" in str(await again.recv())
    finally:
        await keeping.close()


def page(port: int) -> connect:
    return connect(f"ws://{LOOPBACK}:{port}{PATH}", origin=Origin("https://a.uz"), proxy=None)
