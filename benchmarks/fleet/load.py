"""The users, in separate processes: idle ones, busy ones, and visitors who come and go.

A user who loses their tunnel makes a new one through the balancer, and tries again until it works.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import cycle
from multiprocessing.connection import Connection

import uvloop

from benchmarks.client import Client, Conversation
from benchmarks.places import Target
from benchmarks.programs import BenchmarkError
from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.gost.frames import Buffer

AT_ONCE = 8  # tunnels that a process makes at a time
ECHO_SECONDS = 1.0  # between two messages of a busy user
ECHO_BYTES = 1024
VISITS_A_SECOND = 5.0
_TELL_SECONDS = 0.25
_AGAIN_SECONDS = 1.0
_FAILURES = (OSError, TunnelGatewayError)


@dataclass(frozen=True, slots=True)
class Users:
    """The users of one process."""

    idle: int
    busy: int
    visitors: bool

    @property
    def staying(self) -> int:
        """How many keep a tunnel for ever."""
        return self.idle + self.busy


@dataclass(slots=True)
class Account:
    """The events of the users of a process since its last account; ``at`` is now.

    ``staying`` have their tunnel now; all of them since ``whole_since`` (both by time.monotonic).
    New tunnels were ``made`` and ``failed``, the ``slowest`` in so many seconds; ``lost`` had been
    open. ``echoes`` are milliseconds, from the moment that the message was due.
    """

    at: float = 0.0
    staying: int = 0
    whole_since: float | None = None
    made: int = 0
    failed: int = 0
    lost: int = 0
    slowest: float = 0.0
    echoes: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def run(users: Users, targets: Sequence[Target], told: Connection) -> None:
    """Be the users until the process is ended."""
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(target)) for target in targets]
        uvloop.run(_Crowd(users, clients, told).be())


class _Held(Conversation):
    """A tunnel that stays open, and knows when it does not."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation.stream)
        self.ended = asyncio.Event()
        self.stream.observe(self)

    async def echo(self) -> None:
        """Send a message and wait until it has come back as it was."""
        if self.ended.is_set():
            raise ConnectionError("the tunnel ended between two messages")
        self._message = os.urandom(ECHO_BYTES)
        self._came = bytearray()
        self.stream.write(self._message)
        await self.receive(self.received + ECHO_BYTES)
        if self._came != self._message:
            raise BenchmarkError("the bytes came back changed")

    def data_received(self, data: Buffer) -> None:
        self._came += data
        super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.ended.set()


class _Crowd:
    def __init__(self, users: Users, clients: Sequence[Client], told: Connection) -> None:
        self._users = users
        self._clients = clients
        self._told = told
        self._places = asyncio.Semaphore(AT_ONCE)
        self._account = Account()

    async def be(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self._users.staying):
                client = self._clients[number % len(self._clients)]
                group.create_task(self._stay(client, busy=number < self._users.busy))
            if self._users.visitors:
                group.create_task(self._let_visitors_in(group))
            group.create_task(self._tell())

    async def _tell(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            past = self._account
            past.at = time.monotonic()
            self._account = Account(past.at, past.staying, past.whole_since)
            # In a thread: the reader may be busy, and the users must not wait for the reader.
            await loop.run_in_executor(None, self._told.send, past)

    # --- who stays -------------------------------------------------------------------------

    async def _stay(self, client: Client, *, busy: bool) -> None:
        while True:
            held = _Held(await self._open_at_last(client))
            self._came()
            with suppress(ConnectionError):
                await (self._talk(held) if busy else held.ended.wait())
            self._went()
            await held.close()

    async def _talk(self, held: _Held) -> None:
        due = time.perf_counter() + random.uniform(0, ECHO_SECONDS)  # noqa: S311
        while not held.ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(due - time.perf_counter()):
                    await held.ended.wait()
            await held.echo()
            self._account.echoes.append((time.perf_counter() - due) * 1000)
            due += ECHO_SECONDS

    def _came(self) -> None:
        self._account.staying += 1
        if self._account.staying == self._users.staying:
            self._account.whole_since = time.monotonic()

    def _went(self) -> None:
        self._account.staying -= 1
        self._account.whole_since = None
        self._account.lost += 1

    async def _open_at_last(self, client: Client) -> Conversation:
        while True:
            async with self._places:
                with suppress(*_FAILURES):
                    return await self._open(client)
            await asyncio.sleep(random.uniform(0.5, 1.5) * _AGAIN_SECONDS)  # noqa: S311

    async def _open(self, client: Client) -> Conversation:
        started = time.perf_counter()
        try:
            conversation = await client.open("/echo")
        except _FAILURES as error:
            self._account.failed += 1
            self._account.reasons[type(error).__name__] += 1
            raise
        self._account.made += 1
        seconds = time.perf_counter() - started
        self._account.slowest = max(self._account.slowest, seconds)
        return conversation

    # --- who comes and goes ----------------------------------------------------------------

    async def _let_visitors_in(self, group: asyncio.TaskGroup) -> None:
        for client in cycle(self._clients):
            group.create_task(self._visit(client))
            await asyncio.sleep(1 / VISITS_A_SECOND)

    async def _visit(self, client: Client) -> None:
        with suppress(*_FAILURES):
            held = _Held(await self._open(client))
            try:
                await held.echo()
            except ConnectionError:
                self._account.lost += 1
            await held.close()
