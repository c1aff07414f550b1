"""The measurements of tunnels themselves: making them, keeping them, having many of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.client import Client, Conversation
from benchmarks.counters import memory_kib
from benchmarks.measures import Figures, Meter, Scale
from tunnel_gateway.pki.authority import USER, Person, issue
from tunnel_gateway.pki.files.keyfiles import Identity, load_identity

_AT_ONCE = 4
_PIECE = bytes(16 * 1024)
_STREAMS = 16
_SETTLE_SECONDS = 0.3


async def returning_users(client: Client, scale: Scale) -> Figures:
    """Make tunnels, each for the user that the daemon knows already."""
    await visit(client, [None])
    return await _visits(client, [None] * scale.visits)


async def first_visits(client: Client, scale: Scale) -> Figures:
    """Make tunnels, each for a user that the daemon has never seen."""
    await visit(client, [None])
    if client.target.credentials is None:
        return await _visits(client, [None] * scale.visits)
    return await _visits(client, _new_users(client.target.credentials, scale.visits))


def _new_users(credentials: Path, count: int) -> list[Identity | None]:
    centre = load_identity(credentials / "ca/centre.key.pem", credentials / "ca/centre.pem")
    now = datetime.now(UTC)
    person = Person("YANGI FOYDALANUVCHI", pinfl="10000000000001").attributes()
    return [issue(centre, person, USER, now=now, entropy=os.urandom) for _ in range(count)]


async def _visits(client: Client, users: list[Identity | None]) -> Figures:
    meter = Meter(client)
    await visit(client, users)
    return meter.each(len(users))


async def visit(client: Client, users: Iterable[Identity | None]) -> None:
    """Make a tunnel with its WebSocket for each user, None for the usual one, and end it."""
    waiting = iter(users)

    async def worker() -> None:
        for user in waiting:
            await (await client.open("/echo", user)).close()

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))


async def idle(client: Client, scale: Scale) -> Figures:
    """Hold tunnels that do nothing, after others that grew what is only grown once."""
    await _close(await client.open_many("/echo", scale.idle_tunnels // 10))
    await asyncio.sleep(_SETTLE_SECONDS)
    before = memory_kib(client.target.pids)
    held = await client.open_many("/echo", scale.idle_tunnels)
    await asyncio.sleep(_SETTLE_SECONDS)
    after = memory_kib(client.target.pids)
    await _close(held)
    return {"KiB": (after - before) / len(held)}


async def spread(count: int, client: Client, scale: Scale) -> Figures:
    """Send the same number of bytes, whatever ``count``, in small pieces to each tunnel in turn."""
    pieces = max(scale.spread_bytes // count // len(_PIECE), 1)
    size = pieces * len(_PIECE)
    tunnels = await client.open_many(f"/sink/{size}", count)
    meter = Meter(client)
    for _ in range(pieces):
        for number, one in enumerate(tunnels):
            await one.send(len(_PIECE), _PIECE)
            if number % 32 == 31:
                await asyncio.sleep(0)  # let the loop write, or memory grows with the count
    await asyncio.gather(*(one.receive(1) for one in tunnels))
    figures = meter.bulk(size * count)
    await _close(tunnels)
    return figures


async def several(client: Client, scale: Scale) -> Figures:
    """Make tunnels, and send bulk data through some at once: for daemons that share a port."""
    made = await returning_users(client, scale)
    size = scale.spread_bytes // _STREAMS
    tunnels = await client.open_many(f"/sink/{size}", _STREAMS)
    meter = Meter(client)
    await asyncio.gather(*(one.send(size) for one in tunnels), *(one.receive(1) for one in tunnels))
    figures = meter.bulk(size * _STREAMS)
    await _close(tunnels)
    return made | figures


async def _close(tunnels: Iterable[Conversation]) -> None:
    await asyncio.gather(*(one.close() for one in tunnels))
