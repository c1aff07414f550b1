"""The measurements: each function drives a load through one system and returns its figures.

They run in the process of the load. A figure is a number under the name that the scenario's
table gives it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial

from benchmarks.client import Client, Conversation
from benchmarks.counters import cpu_seconds
from benchmarks.figures import percentile
from tunnel_gateway.gost.frames import Buffer

Figures = dict[str, float]
_FIRST_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done for one sample.

    ``seconds`` of bulk data, ``round_trips`` of an echo, ``visits`` by users, ``idle_tunnels``,
    and the bytes that are spread over many tunnels.
    """

    seconds: float
    round_trips: int
    visits: int
    idle_tunnels: int
    spread_bytes: int


FULL = Scale(
    seconds=1.0, round_trips=5000, visits=200, idle_tunnels=1000, spread_bytes=5000 * 16 * 1024
)
QUICK = Scale(
    seconds=0.5, round_trips=2000, visits=60, idle_tunnels=300, spread_bytes=1000 * 16 * 1024
)

Measure = Callable[[Client, Scale], Coroutine[object, object, Figures]]


class Meter:
    """Seconds on the wall and of the daemons' processors, since it was made."""

    def __init__(self, client: Client) -> None:
        self._pids = client.target.pids
        self._cpu = cpu_seconds(self._pids)
        self._wall = time.perf_counter()

    def bulk(self, size: int) -> Figures:
        """The figures of ``size`` bytes that were carried."""
        wall, cpu = time.perf_counter() - self._wall, cpu_seconds(self._pids) - self._cpu
        return {"MB/s": size / wall / 1e6, "CPU-s/GB": cpu / size * 1e9}

    def each(self, count: int) -> Figures:
        """The figures of ``count`` tunnels that were made."""
        wall, cpu = time.perf_counter() - self._wall, cpu_seconds(self._pids) - self._cpu
        return {"tunnels/s": count / wall, "CPU-ms": cpu / count * 1000}


# --- bulk ----------------------------------------------------------------------------------


async def bulk(mode: str, client: Client, scale: Scale) -> Figures:
    """Carry as much as takes about ``scale.seconds``, through one tunnel."""
    first = await _carry(mode, client, _FIRST_BYTES)
    return await _carry(mode, client, int(first["MB/s"] * 1e6 * scale.seconds) + 1)


async def _carry(mode: str, client: Client, size: int) -> Figures:
    one_way = size // 2 if mode == "both" else size
    conversation = await client.open(f"/{mode}/{one_way}")
    meter = Meter(client)
    sent = 1 if mode == "source" else one_way
    received = {"sink": 1, "source": one_way, "both": one_way + 1}[mode]
    await asyncio.gather(conversation.send(sent), conversation.receive(received))
    figures = meter.bulk(size)
    await conversation.close()
    return figures


# --- echo ----------------------------------------------------------------------------------


class _Echo(Conversation):
    """Sends the next message when the last one is back, and notes how long it took."""

    def __init__(self, conversation: Conversation, message: bytes, count: int) -> None:
        super().__init__(conversation.stream)
        self.microseconds: list[float] = []
        self._message = message
        self._count = count
        self._sent_at = 0.0

    async def run(self) -> list[float]:
        self.stream.observe(self)
        self._send()
        await self.receive(self._count * len(self._message))
        return self.microseconds

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self.stream.write(self._message)

    def data_received(self, data: Buffer) -> None:
        super().data_received(data)
        if self.received % len(self._message) == 0:
            self.microseconds.append((time.perf_counter() - self._sent_at) * 1e6)
            if len(self.microseconds) < self._count:
                self._send()


async def echo(size: int, client: Client, scale: Scale, *, share: float = 1.0) -> Figures:
    """Send a message of ``size`` bytes and wait for it, again and again.

    ``share`` of the usual number of times is enough where each takes long.
    """
    count = int(scale.round_trips * share)
    conversation = await client.open("/echo")
    await _Echo(conversation, bytes(size), count // 10).run()  # warm
    samples = await _Echo(conversation, bytes(size), count).run()
    await conversation.close()
    return {"p50 µs": percentile(samples, 50), "p99 µs": percentile(samples, 99)}


bulk_up = partial(bulk, "sink")
bulk_down = partial(bulk, "source")
bulk_both = partial(bulk, "both")
