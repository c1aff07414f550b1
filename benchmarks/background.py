"""The loads that others make while an echo is measured, in a process of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from multiprocessing.synchronize import Event

import uvloop

from benchmarks.client import Client
from benchmarks.measures import QUICK, Figures, bulk_up
from benchmarks.places import Target
from benchmarks.tunnels import visit

_CAPACITY_VISITS = 200
_PIECE = 64 * 1024
_FOR_EVER = 10**15  # bytes
_BETWEEN_RELOADS = 0.2  # seconds

_events: dict[str, Event] = {}
_capacities: dict[Target, float] = {}  # tunnels a second
_rates: dict[Target, float] = {}  # bytes a second


def prepare(ready: Event, stop: Event) -> None:
    """Keep what this process tells, and what it is told."""
    _events.update(ready=ready, stop=stop)


def run(name: str, target: Target) -> Figures:
    """Make a load until it is stopped, and return what it did."""
    with Client(target) as client:
        return uvloop.run(_LOADS[name](client))


async def _storm(client: Client) -> Figures:
    """Make tunnels at half the rate at which this machine can make them, both ends together."""
    rate = await _capacity(client) / 2
    _events["ready"].set()
    started, made = time.perf_counter(), 0
    tasks: set[asyncio.Task[None]] = set()
    while not _events["stop"].is_set():
        task = asyncio.create_task(visit(client, [None]))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        made += 1
        await asyncio.sleep(max(0.0, started + made / rate - time.perf_counter()))
    seconds = time.perf_counter() - started
    await asyncio.gather(*tasks)
    return {"tunnels/s meanwhile": made / seconds}


async def _capacity(client: Client) -> float:
    if client.target not in _capacities:
        await visit(client, [None])
        started = time.perf_counter()
        await visit(client, [None] * _CAPACITY_VISITS)
        _capacities[client.target] = _CAPACITY_VISITS / (time.perf_counter() - started)
    return _capacities[client.target]


async def _bulk(client: Client) -> Figures:
    """Send through one tunnel at half the rate at which it goes when nothing else does."""
    if client.target not in _rates:
        _rates[client.target] = (await bulk_up(client, QUICK))["MB/s"] * 1e6
    rate = _rates[client.target] / 2
    conversation = await client.open(f"/sink/{_FOR_EVER}")
    _events["ready"].set()
    started, sent = time.perf_counter(), 0
    while not _events["stop"].is_set():
        await conversation.send(_PIECE)
        sent += _PIECE
        await asyncio.sleep(max(0.0, started + sent / rate - time.perf_counter()))
    seconds = time.perf_counter() - started
    await conversation.close()
    return {"MB/s meanwhile": sent / seconds / 1e6}


async def _reload(client: Client) -> Figures:
    """Let the daemons read all their files again, some times a second."""
    _events["ready"].set()
    started, made = time.perf_counter(), 0
    while not _events["stop"].is_set():
        for pid in client.target.pids:
            os.kill(pid, signal.SIGHUP)
        made += 1
        await asyncio.sleep(_BETWEEN_RELOADS)
    return {"reloads/s meanwhile": made / (time.perf_counter() - started)}


_LOADS: dict[str, Callable[[Client], Coroutine[object, object, Figures]]] = {
    "storm": _storm,
    "bulk": _bulk,
    "reload": _reload,
}
