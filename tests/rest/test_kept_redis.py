"""A connection to a real Redis, kept through its failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.redis import RedisServer, redis
from tests.support.rest import until
from tunnel_gateway.config.rest import RedisSettings
from tunnel_gateway.limits.redis_line import LOST, RedisLine
from tunnel_gateway.rest.kept_redis import KeptRedis, line_to

__all__ = ["redis"]


class Told:
    """What the operator was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell_shared(self) -> None:
        self.lines.append("shared")

    def tell_away(self, detail: str) -> None:
        self.lines.append(detail.partition(":")[0])


@asynccontextmanager
async def kept(url: str, told: Told, probe: str = "PING") -> AsyncIterator[KeptRedis]:
    made = KeptRedis("challenges", lambda: RedisLine(url, None, 0.3, 1.0), (probe,), told)
    made.start()
    try:
        yield made
    finally:
        await made.close()


async def test_a_lost_connection_is_made_again_and_told_once(redis: RedisServer) -> None:
    told = Told()
    async with kept(redis.url, told) as shared:
        assert await shared.ask("PING") is LOST  # nobody waits for the first connection
        await until(lambda: shared.answers)
        assert await shared.ask("SET", "key", b"\xff\x00") == b"OK"
        assert await shared.ask("GET", "key") == b"\xff\x00"
        redis.kill()
        assert await shared.ask("PING") is LOST
        await asyncio.sleep(1)  # it is tried again, and not told again
        assert not shared.answers
        redis.start()
        await until(lambda: shared.answers)
    assert told.lines == ["shared", "ConnectionError", "shared"]
    assert await shared.ask("PING") is LOST


async def test_a_redis_that_does_not_know_the_probe_is_away(redis: RedisServer) -> None:
    told = Told()
    async with kept(redis.url, told, "NO_SUCH_COMMAND") as shared:
        await until(lambda: told.lines)
        assert not shared.answers
    assert told.lines == ["ResponseError"]


async def test_the_times_of_the_settings_hold(redis: RedisServer) -> None:
    settings = RedisSettings(None, 0, None, 0, redis.url, connect_ms=1000, answer_ms=200)
    told = Told()
    made = KeptRedis("challenges", lambda: line_to(settings), ("PING",), told)
    made.start()
    await until(lambda: made.answers)
    redis.freeze()
    assert await made.ask("PING") is LOST
    redis.thaw()
    await made.close()
    assert told.lines[0] == "shared"
