"""Challenges in a real Redis."""

from __future__ import annotations

import asyncio
import io
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from tests.support.log_lines import read_records
from tests.support.loopback import TIME_LIMIT
from tests.support.redis import RedisServer, redis, slow
from tests.support.rest import until
from tunnel_gateway.limits.redis_line import RedisLine
from tunnel_gateway.rest.redis_challenges import RedisChallenges
from tunnel_gateway.rest.statuses import Reason, Refusal

__all__ = ["redis"]


@asynccontextmanager
async def store(
    url: str, seconds: float = 60, limit: int = 1000, time_limit: float = 0.3
) -> AsyncIterator[RedisChallenges]:
    """Have a store that waits for nothing yet."""
    challenges = RedisChallenges(lambda: RedisLine(url, None, time_limit, 1.0), seconds, limit)
    await challenges.start()
    try:
        yield challenges
    finally:
        await challenges.close()


def is_there(challenges: RedisChallenges) -> bool:
    return not list(challenges.faults())


async def reason_of(challenges: RedisChallenges, challenge: str | None = None) -> Reason:
    with pytest.raises(Refusal) as caught:
        await (challenges.give() if challenge is None else challenges.take(challenge))
    return caught.value.reason


async def test_a_challenge_of_one_server_is_taken_once_by_any(redis: RedisServer) -> None:
    async with store(redis.url) as one, store(redis.url) as other:
        await until(lambda: is_there(one) and is_there(other))
        challenge = await one.give()
        assert str(uuid.UUID(challenge)) == challenge
        assert await other.knows(challenge)
        assert await other.take(challenge)
        assert not await other.knows(challenge)
        assert not await one.take(challenge)
        assert not await other.take(challenge)
        assert await one.take(await one.give())


async def test_one_of_many_simultaneous_uses_is_right(redis: RedisServer) -> None:
    async with store(redis.url) as one, store(redis.url) as other:
        await until(lambda: is_there(one) and is_there(other))
        for _ in range(20):
            challenge = await one.give()
            uses = (server.take(challenge) for server in (one, other) * 5)
            assert sum(await asyncio.gather(*uses)) == 1


async def test_a_challenge_ends_with_its_life(redis: RedisServer) -> None:
    async with store(redis.url, seconds=0.2) as challenges:
        await until(lambda: is_there(challenges))
        challenge = await challenges.give()
        await asyncio.sleep(0.3)
        assert not await challenges.take(challenge)
        challenges.configure(60, 1000)
        assert await challenges.take(await challenges.give())


@pytest.mark.parametrize("text", ["", "*", "a" * 1000, "{9b573e40-cefd-42cc-a534-f6e78b27c2ae}"])
async def test_no_other_key_is_asked_for(redis: RedisServer, text: str) -> None:
    async with store(redis.url) as challenges:
        assert not await challenges.take(text)  # Redis is not asked, so it need not be there
        await until(lambda: is_there(challenges))
        challenge = await challenges.give()
        assert not await challenges.take(challenge.upper())
        assert await challenges.take(challenge)


async def test_strangers_cannot_fill_the_redis(redis: RedisServer) -> None:
    async with store(redis.url, limit=5) as challenges:
        await until(lambda: is_there(challenges))
        given = [await challenges.give() for _ in range(5)]
        assert await reason_of(challenges) is Reason.OVERLOADED
        assert await challenges.take(given[0])


async def test_without_redis_nothing_is_given_and_nothing_is_accepted(
    redis: RedisServer, log: io.StringIO
) -> None:
    async with store(redis.url) as challenges:
        await until(lambda: is_there(challenges))
        challenge = await challenges.give()
        assert list(challenges.samples()) == [("tunnel_gateway_rest_challenges_redis_up", (), 1)]
        redis.kill()
        assert await reason_of(challenges, challenge) is Reason.CHALLENGES_AWAY
        assert await reason_of(challenges) is Reason.CHALLENGES_AWAY
        await until(lambda: not is_there(challenges))
        (fault,) = challenges.faults()
        assert "cache.redis" in fault
        redis.start()
        await until(lambda: is_there(challenges))
        assert not await challenges.take(challenge)
        assert await challenges.take(await challenges.give())
    events = [record["event"] for record in read_records(log.getvalue())]
    assert events == ["challenges_shared", "challenges_away", "challenges_shared"]


async def test_a_redis_that_hangs_costs_a_short_time(redis: RedisServer) -> None:
    async with store(redis.url) as challenges:
        await until(lambda: is_there(challenges))
        redis.freeze()
        began = time.monotonic()
        assert await reason_of(challenges) is Reason.CHALLENGES_AWAY
        assert time.monotonic() - began < 5
        redis.thaw()
        await until(lambda: is_there(challenges))
        assert await challenges.take(await challenges.give())


async def test_a_slow_redis_is_waited_for(redis: RedisServer) -> None:
    async with slow(redis, 0.1) as proxy, store(proxy.url, time_limit=5) as challenges:
        await until(lambda: is_there(challenges))
        assert await challenges.take(await challenges.give())


async def test_a_store_that_never_began_is_away() -> None:
    challenges = RedisChallenges(lambda: RedisLine("redis://127.0.0.1:1", None, 1), 60, 10)
    assert await reason_of(challenges) is Reason.CHALLENGES_AWAY
    await challenges.close()


class Machine(RuleBasedStateMachine):
    """Two servers with one Redis, beside a plain set of the challenges that are valid."""

    given_ones = Bundle("given_ones")

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.valid: set[str] = set()
        self.runner = asyncio.Runner()
        self.client = Redis.from_url(url)
        self.servers = [self._started(), self._started()]

    def _started(self) -> RedisChallenges:
        made = RedisChallenges(lambda: RedisLine(self.url, None, TIME_LIMIT), 600, 10_000)

        async def start() -> None:
            await made.start()
            await until(lambda: is_there(made))

        self.runner.run(start())
        return made

    @rule(target=given_ones, server=st.integers(0, 1))
    def give(self, server: int) -> str:
        challenge = self.runner.run(self.servers[server].give())
        assert challenge not in self.valid
        self.valid.add(challenge)
        return challenge

    @rule(challenge=given_ones, server=st.integers(0, 1))
    def know(self, challenge: str, server: int) -> None:
        assert self.runner.run(self.servers[server].knows(challenge)) == (challenge in self.valid)

    @rule(challenge=given_ones, servers=st.lists(st.integers(0, 1), min_size=1, max_size=4))
    def take_at_once(self, challenge: str, servers: list[int]) -> None:
        async def take() -> list[bool]:
            takes = (self.servers[server].take(challenge) for server in servers)
            return await asyncio.gather(*takes)

        assert sum(self.runner.run(take())) == (challenge in self.valid)
        self.valid.discard(challenge)

    @rule(challenge=given_ones)
    def end_a_life(self, challenge: str) -> None:
        """Redis does the same when the time of a key is over."""
        self.client.pexpire(f"tunnel-gateway:challenge:{challenge}", 0)
        self.valid.discard(challenge)

    @rule(server=st.integers(0, 1))
    def restart(self, server: int) -> None:
        self.runner.run(self.servers[server].close())
        self.servers[server] = self._started()

    @invariant()
    def only_valid_ones_take_memory(self) -> None:
        assert self.client.dbsize() == len(self.valid)

    def teardown(self) -> None:
        for server in self.servers:
            self.runner.run(server.close())
        self.runner.close()
        self.client.flushall()
        self.client.close()


def test_two_servers_in_any_order(redis: RedisServer) -> None:
    class Here(Machine):
        def __init__(self) -> None:
            super().__init__(redis.url)

    few = settings(max_examples=20, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(Here, settings=few)
