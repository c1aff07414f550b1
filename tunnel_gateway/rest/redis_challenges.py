"""Challenges in a Redis, so that each of several servers takes what any of them has given.

A challenge is a key that ends with its life. GETDEL takes it: Redis does that for one asker only,
however many ask at once. Without an answer of Redis nothing is given and nothing is accepted.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Final

from redis.exceptions import RedisError

from tunnel_gateway.config.rest import RedisSettings
from tunnel_gateway.limits.redis_line import LOST, RedisLine, until_one_ends
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.rest.challenges import has_form
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.transport.wire.rates import Rate, TokenBucket

log = get_logger(__name__)

_PREFIX: Final = "tunnel-gateway:challenge:"
# A question of no meaning: a Redis before 6.2 does not know the command, and the line ends.
PROBE: Final = ("GETDEL", f"{_PREFIX}probe")
# The first and the longest wait before Redis is tried again.
_AGAIN_SECONDS: Final = 0.5
_LAST_AGAIN_SECONDS: Final = 5.0


class RedisChallenges:
    """The challenges of several servers, between ``start`` and ``close``.

    ``line`` makes a connection to the Redis. A challenge is valid for ``seconds``. This server
    gives at most ``limit`` challenges within the life of one, so that strangers do not fill the
    memory of the Redis. ``clock`` is in seconds and never goes back.
    """

    def __init__(
        self,
        line: Callable[[], RedisLine],
        seconds: float,
        limit: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_line = line
        self._clock = clock
        self._given = TokenBucket()
        self._line: RedisLine | None = None  # while it answers
        self._keeping: asyncio.Task[None] | None = None
        self._said = False  # whether it was said that Redis is away
        self._delay = _AGAIN_SECONDS
        self.configure(seconds, limit)

    def configure(self, seconds: float, limit: int) -> None:
        """Let new challenges live so long."""
        self._milliseconds = int(seconds * 1000)
        self._rate = Rate(limit / seconds, limit)
        self._limit = limit

    async def start(self) -> None:
        """Begin to keep a connection."""
        self._keeping = keep_running("challenges", self._round)

    async def give(self) -> str:
        """Return a new challenge."""
        if not self._given.take(self._rate, self._clock()):
            raise Refusal(
                Reason.OVERLOADED,
                f"{self._limit} challenges are given and not ended, see challenge.limit",
            )
        challenge = str(uuid.uuid4())
        await self._ask("SET", f"{_PREFIX}{challenge}", 1, "PX", self._milliseconds, "NX")
        return challenge

    async def knows(self, challenge: str) -> bool:
        """Tell whether the challenge is valid, and leave it so."""
        return has_form(challenge) and await self._ask("GET", f"{_PREFIX}{challenge}") is not None

    async def take(self, challenge: str) -> bool:
        """Tell whether the challenge is valid, and use it up."""
        if not has_form(challenge):
            return False
        return await self._ask("GETDEL", f"{_PREFIX}{challenge}") is not None

    async def _ask(self, *command: str | int) -> object:
        if self._line is not None and (answer := await self._line.ask(*command)) is not LOST:
            return answer
        raise Refusal(Reason.CHALLENGES_AWAY, "the Redis of cache.redis does not answer")

    def faults(self) -> Iterator[str]:
        """Yield why challenges cannot be given or taken now."""
        if self._line is None:
            yield "the Redis of cache.redis does not answer: nobody can sign in"

    def samples(self) -> Iterator[Sample]:
        """Yield whether the Redis answers."""
        yield "tunnel_gateway_rest_challenges_redis_up", (), self._line is not None

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
        if await line.ask(*PROBE) is not LOST:
            self._line = line
            self._said = False
            self._delay = _AGAIN_SECONDS
            log.info("challenges_shared")
        await asyncio.Event().wait()

    def _lose(self, error: Exception) -> None:
        if not self._said:
            self._said = True
            detail = f"{type(error).__name__}: {error}"
            log.error("challenges_away", detail=detail)


def line_to(redis: RedisSettings) -> RedisLine:
    """Return a new connection to the Redis of these settings, not made yet."""
    return RedisLine(redis.address, redis.password, redis.answer_ms / 1000, redis.connect_ms / 1000)
