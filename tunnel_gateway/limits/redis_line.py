"""One connection to Redis on which many tasks ask at once, without waiting for each other.

Redis answers the questions in the order in which they were sent. Each question must be answered
within a time of its own, from the moment at which it was asked. The first question that is not
answered in time ends the line, and everyone who still waits gets `LOST`. So nobody waits longer,
however long the queue is.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import ConnectionError as BrokenError

# Stands for an answer that did not come.
LOST: Final = object()

# Redis answers some ten thousand in a second.
MAX_UNANSWERED: Final = 10_000
# An answer can arrive while this process is busy: it is read before the question counts as late.
_GRACE_SECONDS: Final = 0.02
_CONNECT_SECONDS: Final = 5.0
# After so many answers in one go others get a turn.
_AT_ONCE: Final = 100


class RedisLine:
    """A connection to ``url``: redis://HOST:PORT/DB, rediss:// (TLS) or unix:///PATH?db=DB.

    Each question is to be answered within ``time_limit`` seconds, and the connection to be made
    within ``connect_limit`` seconds. First ``connect``, then ``send`` and ``receive`` side by side
    (`until_one_ends`), which end by raising, and at last ``close``.
    """

    def __init__(
        self,
        url: str,
        password: bytes | None,
        time_limit: float,
        connect_limit: float = _CONNECT_SECONDS,
    ) -> None:
        self._connection: AbstractConnection = ConnectionPool.from_url(
            url,
            password=None if password is None else password.decode(errors="surrogateescape"),
            # This class has time limits of its own. The library's use asyncio.wait_for, which may
            # lose a cancellation before Python 3.12; then a broken line would never end.
            socket_timeout=None,
            socket_connect_timeout=connect_limit,
            # Each of them would be a question before the first of ours.
            protocol=2,
            driver_info=None,
        ).make_connection()  # type: ignore[no-untyped-call]
        self._time_limit = time_limit
        self._connect_limit = connect_limit
        self._loop = asyncio.get_running_loop()
        self._unsent: list[tuple[str | bytes | int, ...]] = []
        self._work = asyncio.Event()
        self._unanswered: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._fault: asyncio.Future[None] = self._loop.create_future()

    async def connect(self) -> None:
        """Connect and say the password. Raises RedisError, OSError."""
        async with asyncio.timeout(self._connect_limit):
            await self._connection.connect()  # type: ignore[no-untyped-call]

    def ask(self, *command: str | bytes | int) -> asyncio.Future[Any]:
        """Ask, and return where the answer will be, or LOST; never an exception."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        if self._fault.done() or len(self._unanswered) >= MAX_UNANSWERED:
            answer.set_result(LOST)
            self._fail(f"{MAX_UNANSWERED} questions wait for an answer")
            return answer
        self._unsent.append(command)
        self._work.set()
        deadline = self._loop.time() + self._time_limit
        self._unanswered.append((deadline, answer))
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._look)
        return answer

    async def send(self) -> None:
        """Send the questions, each time all that have come in meanwhile."""
        while self._connection.is_connected:
            await self._work.wait()
            self._work.clear()
            commands, self._unsent = self._unsent, []
            packed = self._connection.pack_commands(commands)
            await self._connection.send_packed_command(packed, check_health=False)
        raise BrokenError("the connection has ended")

    async def receive(self) -> None:
        """Give the answers to those who asked. Raises RedisError, OSError; a refusal is one."""
        reading = asyncio.create_task(self._receive_all())
        try:
            await asyncio.wait((reading, self._fault), return_when=asyncio.FIRST_COMPLETED)
            if self._fault.done():
                self._fault.result()
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _receive_all(self) -> None:
        count = 0
        while self._connection.is_connected:
            answer = await self._connection.read_response(timeout=math.inf)
            if not self._unanswered:
                raise BrokenError("an answer that nobody asked for")
            _, waiting = self._unanswered.popleft()
            if not waiting.done():  # else the task that asked is gone
                waiting.set_result(answer)
            count += 1
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)
        raise BrokenError("the connection has ended")

    async def close(self) -> None:
        """End the connection, and tell all who wait."""
        if self._timer is not None:
            self._timer.cancel()
        self._fail("closed")
        with suppress(BrokenError):
            self._fault.result()  # so that nobody says that it was never looked at
        while self._unanswered:
            _, waiting = self._unanswered.popleft()
            if not waiting.done():
                waiting.set_result(LOST)
        await self._connection.disconnect(nowait=True)

    # --- time ------------------------------------------------------------------------------

    def _look(self) -> None:
        """See whether the oldest question is too old."""
        self._timer = None
        if not self._unanswered:
            return
        deadline, answer = self._unanswered[0]
        if deadline > self._loop.time():
            self._timer = self._loop.call_at(deadline, self._look)
        else:
            self._timer = self._loop.call_later(_GRACE_SECONDS, self._look_again, answer)

    def _look_again(self, answer: asyncio.Future[Any]) -> None:
        if self._unanswered and self._unanswered[0][1] is answer:
            self._fail(f"no answer within {self._time_limit * 1000:.0f} ms")
        else:
            self._look()

    def _fail(self, reason: str) -> None:
        if not self._fault.done():
            self._fault.set_exception(BrokenError(reason))


async def until_one_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until one of them ends, and raise its error.

    This is not a TaskGroup. Before Python 3.13, a TaskGroup that fails at the moment at which its
    task is cancelled hides the cancellation. Code that waits for the end of the task then waits for
    ever.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
