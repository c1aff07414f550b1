"""A Redis that several servers share: one connection, made again as often as it is lost.

Nobody waits for a Redis that is away: a question is then lost at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from redis.exceptions import RedisError

from tunnel_gateway.config.rest import RedisSettings
from tunnel_gateway.limits.redis_line import LOST, RedisLine, until_one_ends
from tunnel_gateway.observability.background import Loop, keep_running

# The first and the longest wait before Redis is tried again.
_AGAIN_SECONDS: Final = 0.5
_LAST_AGAIN_SECONDS: Final = 5.0


class Teller(Protocol):
    """Tells the operator when a Redis comes and goes."""

    def tell_shared(self) -> None:
        """Say that the Redis answers."""

    def tell_away(self, detail: str) -> None:
        """Say why the Redis does not answer; it is said once until it answers again."""


class KeptRedis:
    """A Redis, between ``start`` and ``close``.

    ``loop`` is the name of the work, and ``make_line`` makes a connection. ``probe`` is a question
    of no meaning, which a Redis that is too old does not know.
    """

    def __init__(
        self,
        loop: Loop,
        make_line: Callable[[], RedisLine],
        probe: tuple[str, ...],
        teller: Teller,
    ) -> None:
        self._loop: Loop = loop
        self._make_line = make_line
        self._probe = probe
        self._teller = teller
        self._line: RedisLine | None = None  # while it answers
        self._keeping: asyncio.Task[None] | None = None
        self._said = False  # whether it was said that Redis is away
        self._delay = _AGAIN_SECONDS

    @property
    def answers(self) -> bool:
        """Whether the Redis answers."""
        return self._line is not None

    def start(self) -> None:
        """Begin to keep a connection."""
        self._keeping = keep_running(self._loop, self._round)

    async def ask(self, *command: str | bytes | int) -> object:
        """Return the answer, or LOST if none came in time: then the command may be done or not."""
        return LOST if self._line is None else await self._line.ask(*command)

    async def close(self) -> None:
        """End the connection."""
        self._line = None
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait((self._keeping,))

    async def _round(self) -> None:
        """Have a connection as long as it lasts, and wait until the next is due."""
        line = self._make_line()
        try:
            await line.connect()
            await until_one_ends(line.send(), line.receive(), self._keep(line))
        except (RedisError, OSError) as error:
            self._lose(error)
        finally:
            self._line = None
            await line.close()
        await asyncio.sleep(self._delay)
        self._delay = min(2 * self._delay, _LAST_AGAIN_SECONDS)

    async def _keep(self, line: RedisLine) -> None:
        """Use the line as long as nobody ends this."""
        if await line.ask(*self._probe) is not LOST:
            self._line = line
            self._said = False
            self._delay = _AGAIN_SECONDS
            self._teller.tell_shared()
        await asyncio.Event().wait()

    def _lose(self, error: Exception) -> None:
        if not self._said:
            self._said = True
            self._teller.tell_away(f"{type(error).__name__}: {error}")


def line_to(redis: RedisSettings) -> RedisLine:
    """Return a new connection to the Redis of these settings, not made yet."""
    return RedisLine(redis.address, redis.password, redis.answer_ms / 1000, redis.connect_ms / 1000)
