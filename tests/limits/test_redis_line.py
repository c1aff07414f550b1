"""Many questions on one connection: answers in order, in time, and never none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import RedisError

from tests.support.loopback import TIME_LIMIT
from tests.support.redis import RedisServer, redis, slow
from tunnel_gateway.limits import redis_line as module
from tunnel_gateway.limits.fleet import Fleet
from tunnel_gateway.limits.redis_line import LOST, RedisLine

__all__ = ["redis"]  # the fixture


@asynccontextmanager
async def carried(url: str, seconds: float = TIME_LIMIT) -> AsyncIterator[RedisLine]:
    line = RedisLine(url, None, seconds)
    await line.connect()
    tasks = [asyncio.create_task(one) for one in (line.send(), line.receive())]
    try:
        yield line
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await line.close()


async def test_each_gets_its_own_answer(redis: RedisServer) -> None:
    async with carried(redis.url) as line:
        asked = [line.ask("ECHO", number) for number in range(1000)]
        assert await asyncio.gather(*asked) == [str(number).encode() for number in range(1000)]


async def test_who_leaves_takes_nobody_elses_answer(redis: RedisServer) -> None:
    async with carried(redis.url) as line:
        first, second = line.ask("ECHO", 1), line.ask("ECHO", 2)
        first.cancel()
        assert await second == b"2"


async def test_what_is_asked_of_a_line_that_ended_is_lost(redis: RedisServer) -> None:
    line = RedisLine(redis.url, None, TIME_LIMIT)
    await line.connect()
    redis.kill()
    asked = line.ask("ECHO", 1)
    with pytest.raises(RedisError):
        await line.receive()
    await line.close()
    assert await asked is LOST
    assert await line.ask("ECHO", 2) is LOST


async def test_a_refusal_ends_the_line(redis: RedisServer) -> None:
    line = RedisLine(redis.url, None, TIME_LIMIT)
    await line.connect()
    sending = asyncio.create_task(line.send())
    asked = line.ask("EVALSHA", "0" * 40, 0)
    with pytest.raises(RedisError, match="No matching script"):
        await line.receive()
    sending.cancel()
    await line.close()
    assert await asked is LOST


async def test_a_crowd_has_an_end(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNANSWERED", 100)
    async with carried(redis.url) as line:
        asked = [line.ask("ECHO", number) for number in range(200)]
        assert await asked[100] is LOST
        assert len(line._unanswered) <= 100


async def test_nobody_waits_longer_than_the_time_limit(redis: RedisServer) -> None:
    loop = asyncio.get_running_loop()
    async with slow(redis, 30) as proxy:
        line = RedisLine(proxy.url, None, 0.2)
        await line.connect()
        sending = asyncio.create_task(line.send())
        begun = loop.time()
        asked = [line.ask("ECHO", number) for number in range(10)]
        with pytest.raises(RedisError, match="no answer within 200 ms"):
            await line.receive()
        sending.cancel()
        await line.close()
        assert set(await asyncio.gather(*asked)) == {LOST}
        assert 0.2 <= loop.time() - begun < 10


async def test_what_has_arrived_while_the_loop_stood_is_in_time(redis: RedisServer) -> None:
    async with carried(redis.url, 0.1) as line:
        asked = line.ask("ECHO", 1)
        await asyncio.sleep(0.05)  # answered, and read
        late = line.ask("ECHO", 2)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251 (this is what is to be survived)
        assert await asked == b"1"
        assert await late == b"2"


@pytest.mark.parametrize("moments", range(12))
async def test_a_fleet_that_is_left_while_its_line_breaks_is_left(
    redis: RedisServer, moments: int
) -> None:
    """At every step of the loop on the way from the fault to the next try."""
    fleet = Fleet(redis.url)
    fleet.join()
    async with asyncio.timeout(TIME_LIMIT):
        while not fleet.available:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert fleet._line is not None
    fleet._line._fail("as if no answer had come")
    for _ in range(moments):
        await asyncio.sleep(0)
    async with asyncio.timeout(TIME_LIMIT):
        await fleet.leave()
    assert fleet._keeping is not None
    assert fleet._keeping.done()
