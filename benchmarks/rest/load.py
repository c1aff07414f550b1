"""The loads: each function drives one server from a process of its own, and returns samples.

Every answer is looked at. A wrong answer ends the run.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Final, Self

import uvloop

from benchmarks.places import LOOPBACK
from benchmarks.rest.connections import VERIFY, AnswerReader, Connection, head_of_post

_PIECE: Final = 1024 * 1024
# A slow client sends this much, and so often.
_SLOW_PIECE: Final = 2048
_SLOW_SECONDS: Final = 0.1
# The service gives a slow body ten seconds and more; the head says that so much comes.
_SLOW_BODY: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """How long each call took, in milliseconds, and all of them together, in seconds."""

    milliseconds: list[float]
    seconds: float


_events: dict[str, Event] = {}


def prepare(stop: Event) -> None:
    """Keep what ends a load without an end of its own."""
    _events["stop"] = stop


class _Caller:
    """A fixed number of connections. Use as an asynchronous context manager."""

    def __init__(self, port: int, connections: int) -> None:
        self._port = port
        self._count = connections
        self._connections: list[Connection] = []
        self._free: deque[Connection] = deque()
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._more: Iterator[bytes] = iter(())
        self._under_way = 0
        self._milliseconds: list[float] = []
        self._fault: Exception | None = None
        self._quiet = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for _ in range(self._count):
            _, connection = await loop.create_connection(
                lambda: Connection(self._answered), LOOPBACK, self._port
            )
            self._connections.append(connection)
        self._free.extend(self._connections)
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    async def in_turn(self, requests: Iterable[bytes]) -> Sample:
        """Send the next request on each connection whenever its last one is answered."""
        self._more = iter(requests)
        started = time.perf_counter()
        for request in itertools.islice(self._more, self._count):
            self._send(request, time.perf_counter())
        await self._end()
        return Sample(self._milliseconds, time.perf_counter() - started)

    async def at_rate(self, requests: Iterable[bytes], rate: float) -> Sample:
        """Send at fixed times, whatever the answers do; a time counts from the fixed one.

        A request waits for a connection while all have one under way, and that counts too.
        """
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        self._under_way += 1  # until the last one is sent

        def send() -> None:  # on a thread: a timer of the loop is a millisecond late
            for number, request in enumerate(requests):
                due = started + number / rate
                time.sleep(max(0.0, due - time.perf_counter()))
                loop.call_soon_threadsafe(self._send, request, due)

        await asyncio.to_thread(send)
        self._under_way -= 1
        await self._end()
        return Sample(self._milliseconds, time.perf_counter() - started)

    def _send(self, request: bytes, due: float) -> None:
        self._under_way += 1
        if self._free:
            self._free.popleft().call(request, due)
        else:
            self._waiting.append((request, due))

    def _answered(self, connection: Connection) -> None:
        now = time.perf_counter()
        self._milliseconds.append(1000 * (now - connection.due))
        self._fault = self._fault or connection.fault
        self._under_way -= 1
        if self._waiting:
            connection.call(*self._waiting.popleft())
        elif self._fault is None and (request := next(self._more, None)) is not None:
            self._under_way += 1
            connection.call(request, now)
        else:
            self._free.append(connection)
        if not self._under_way or self._fault:
            self._quiet.set()

    async def _end(self) -> None:
        if self._under_way:
            await self._quiet.wait()
        if self._fault is not None:
            raise self._fault


def once_each(port: int, requests: Sequence[bytes], connections: int) -> Sample:
    """Send each request once."""
    return _in_turn(port, requests, connections)


def as_fast_as_it_goes(
    port: int, requests: Sequence[bytes], connections: int, seconds: float
) -> Sample:
    """Send the requests round and round, for so long after the first one."""

    def some() -> Iterator[bytes]:
        end = time.perf_counter() + seconds
        yield requests[0]
        for request in itertools.cycle(requests):
            if time.perf_counter() >= end:
                return
            yield request

    return _in_turn(port, some(), connections)


def _in_turn(port: int, requests: Iterable[bytes], connections: int) -> Sample:
    async def run() -> Sample:
        async with _Caller(port, connections) as caller:
            return await caller.in_turn(requests)

    return uvloop.run(run())


def at_rate(
    port: int, requests: Sequence[bytes], connections: int, rate: float, seconds: float
) -> Sample:
    """Send the requests round and round, so many a second and for so long."""
    some = itertools.islice(itertools.cycle(requests), max(1, int(rate * seconds)))
    return _at_rate(port, some, connections, rate)


def at_rate_until_stopped(
    port: int, requests: Sequence[bytes], connections: int, rate: float
) -> Sample:
    """Send the requests round and round, so many a second, until the event of `prepare`."""
    stop = _events["stop"]
    some = itertools.takewhile(lambda _: not stop.is_set(), itertools.cycle(requests))
    return _at_rate(port, some, connections, rate)


def _at_rate(port: int, requests: Iterable[bytes], connections: int, rate: float) -> Sample:
    async def run() -> Sample:
        async with _Caller(port, connections) as caller:
            return await caller.at_rate(requests, rate)

    return uvloop.run(run())


def large(port: int, request: bytes) -> float:
    """Send one large request and take its answer; return the seconds."""
    reader, room = AnswerReader(), memoryview(bytearray(_PIECE))
    with socket.create_connection((LOOPBACK, port)) as tcp:
        started = time.perf_counter()
        tcp.sendall(request)
        while size := tcp.recv_into(room):
            if reader.feed(room[:size]):
                return time.perf_counter() - started
    raise ConnectionError("the server closed in the middle of a large call")


def beside_slow_clients(port: int, requests: Sequence[bytes], slow: int) -> Sample:
    """Send each request once, one at a time, while slow clients send bodies that never end."""
    head = head_of_post(VERIFY, _SLOW_BODY)
    over = threading.Event()

    def trickle() -> None:
        while not over.wait(_SLOW_SECONDS):
            for one in clients:
                one.sendall(b"A" * _SLOW_PIECE)

    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection((LOOPBACK, port))) for _ in range(slow)
        ]
        for one in clients:
            one.sendall(head)
        sending = stack.enter_context(ThreadPoolExecutor(1)).submit(trickle)
        stack.callback(over.set)
        sample = once_each(port, requests, 1)
        over.set()
        sending.result()  # raises if the server has not waited for them
        return sample
