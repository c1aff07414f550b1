"""Challenges in a Redis, so that each of several servers takes what any of them has given.

A challenge is a key that ends with its life. GETDEL takes it: Redis does that for one asker only,
however many ask at once. Without an answer of Redis nothing is given and nothing is accepted.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Final

from tunnel_gateway.limits.redis_line import LOST, RedisLine
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.rest.challenges import has_form
from tunnel_gateway.rest.kept_redis import KeptRedis
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.transport.wire.rates import Rate, TokenBucket

log = get_logger(__name__)

_PREFIX: Final = "tunnel-gateway:challenge:"
# A question of no meaning: a Redis before 6.2 does not know the command, and the line ends.
PROBE: Final = ("GETDEL", f"{_PREFIX}probe")


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
        self._redis = KeptRedis("challenges", line, PROBE, self)
        self._clock = clock
        self._given = TokenBucket()
        self.configure(seconds, limit)

    def configure(self, seconds: float, limit: int) -> None:
        """Let new challenges live so long."""
        self._milliseconds = int(seconds * 1000)
        self._rate = Rate(limit / seconds, limit)
        self._limit = limit

    async def start(self) -> None:
        """Begin to keep a connection."""
        self._redis.start()

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
        if (answer := await self._redis.ask(*command)) is LOST:
            raise Refusal(Reason.CHALLENGES_AWAY, "the Redis of cache.redis does not answer")
        return answer

    def faults(self) -> Iterator[str]:
        """Yield why challenges cannot be given or taken now."""
        if not self._redis.answers:
            yield "the Redis of cache.redis does not answer: nobody can sign in"

    def samples(self) -> Iterator[Sample]:
        """Yield whether the Redis answers."""
        yield "tunnel_gateway_rest_challenges_redis_up", (), self._redis.answers

    async def close(self) -> None:
        """End the connection."""
        await self._redis.close()

    def tell_shared(self) -> None:
        """Say that the Redis answers."""
        log.info("challenges_shared")

    def tell_away(self, detail: str) -> None:
        """Say why the Redis does not answer."""
        log.error("challenges_away", detail=detail)
