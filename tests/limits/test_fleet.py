"""Many gateways counting together, each a Fleet of its own, over a real Redis."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.support.log_lines import read_records
from tests.support.loopback import TIME_LIMIT
from tests.support.redis import RedisServer, Slow, redis, slow
from tunnel_gateway.limits import fleet as module
from tunnel_gateway.limits.fleet import Fleet
from tunnel_gateway.transport.wire.rates import Rate

__all__ = ["redis"]  # the fixture


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer for answers than in earnest: the machine may have much else to do."""
    monkeypatch.setattr(module, "ASK_SECONDS", 5.0)


async def until(condition: Callable[[], object]) -> None:
    """Wait for what nobody announces."""
    async with asyncio.timeout(TIME_LIMIT):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def granted(ask: Callable[[], Awaitable[bool]]) -> None:
    """Wait until what is asked for is given."""
    async with asyncio.timeout(TIME_LIMIT):
        while not await ask():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def joined(server: RedisServer) -> AsyncIterator[Fleet]:
    async with joined_at(server) as fleet:
        yield fleet


@asynccontextmanager
async def joined_at(server: RedisServer | Slow) -> AsyncIterator[Fleet]:
    fleet = Fleet(server.url)
    fleet.join()
    try:
        await until(lambda: fleet.available)
        yield fleet
    finally:
        await fleet.leave()


@asynccontextmanager
async def both(server: RedisServer) -> AsyncIterator[tuple[Fleet, Fleet]]:
    async with joined(server) as one, joined(server) as other:
        yield one, other


def events(log: io.StringIO) -> list[dict[str, Any]]:
    return read_records(log.getvalue())


async def test_a_limit_counts_over_both(redis: RedisServer) -> None:
    async with both(redis) as (one, other):
        assert await one.claim("key", 1, 3)
        assert await other.claim("key", 1, 3)
        assert await other.claim("key", 2, 3)
        assert not await one.claim("key", 2, 3)
        one.release("key", 1)
        assert await one.claim("another", 1, 1)
        other.release("key", 1)
        await granted(lambda: one.claim("key", 2, 3))
        assert not await other.claim("key", 2, 3)


async def test_a_refusal_is_taken_back_by_the_release(redis: RedisServer) -> None:
    async with both(redis) as (one, other):
        assert await one.claim("key", 1, 1)
        assert not await other.claim("key", 1, 1)
        other.release("key", 0)
        one.release("key", 0)
        await granted(lambda: other.claim("key", 1, 1))


async def test_many_at_once_never_pass_the_limit(redis: RedisServer) -> None:
    async with both(redis) as gateways:

        async def come(fleet: Fleet, counts: dict[Fleet, int]) -> bool:
            counts[fleet] += 1
            has_place = await fleet.claim("key", counts[fleet], 25)
            if not has_place:
                counts[fleet] -= 1
                fleet.release("key", counts[fleet])
            return has_place

        counts = dict.fromkeys(gateways, 0)
        tasks = [come(gateways[number % 2], counts) for number in range(100)]
        places = sum(await asyncio.gather(*tasks))
        assert places == sum(counts.values())
        assert 1 <= places <= 25


async def test_the_lease_of_a_dead_gateway_runs_out(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE_SECONDS", 0.5)
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.1)
    dead = Fleet(redis.url)
    dead.join()
    await until(lambda: dead.available)
    assert await dead.claim("key", 1, 1)
    assert dead._keeping is not None
    dead._keeping.cancel()  # and no more, as after SIGKILL
    async with joined(redis) as alive:
        await granted(lambda: alive.claim("key", 1, 1))


async def test_who_leaves_in_order_holds_nothing(redis: RedisServer) -> None:
    async with joined(redis) as one:
        async with joined(redis) as other:
            assert await other.claim("key", 1, 1)
            assert not await one.claim("key", 1, 1)
        assert await one.claim("key", 1, 1)


async def test_a_rate_holds_over_both(redis: RedisServer) -> None:
    async with both(redis) as (one, other):
        rate = Rate(0.001, 5)
        allowed = [await fleet.allows("192.0.2.1", rate) for fleet in (one, other) * 5]
        assert allowed == [True] * 5 + [False] * 5
        assert await one.allows("192.0.2.2", rate)


async def test_a_bucket_fills_again(redis: RedisServer) -> None:
    async with joined(redis) as one:
        rate = Rate(50, 1)
        assert await one.allows("192.0.2.1", rate)
        await granted(lambda: one.allows("192.0.2.1", rate))


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_redis_goes_and_comes_back(
    how: str, redis: RedisServer, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.1)
    async with both(redis) as (one, other):
        assert await one.claim("key", 1, 1)
        (redis.kill if how == "killed" else redis.freeze)()
        assert await other.claim("key", 1, 1)  # alone it has one place
        assert await other.allows("192.0.2.1", Rate(0.001, 1))
        assert not other.available
        await until(lambda: not one.available)
        (redis.start if how == "killed" else redis.thaw)()
        await until(lambda: one.available and other.available)
        # Both numbers are known again, also to a Redis that forgot everything. They are written
        # after a gateway has joined.
        async with asyncio.timeout(TIME_LIMIT):
            while await one.claim("key", 2, 2):
                one.release("key", 1)
        other.release("key", 0)
        await granted(lambda: one.claim("key", 2, 2))
    lines = [line["event"] for line in events(log)]
    assert lines.count("fleet_unreachable") == 2  # once each
    assert lines.count("fleet_joined") == 4


async def test_redis_is_away_from_the_start(redis: RedisServer, log: io.StringIO) -> None:
    redis.kill()
    fleet = Fleet(redis.url)
    fleet.join()
    await until(lambda: events(log))
    assert await fleet.claim("key", 1, 1)
    assert not fleet.available
    (line,) = events(log)
    assert (line["event"], line["level"]) == ("fleet_unreachable", "error")
    await fleet.leave()


async def test_a_password_is_needed_and_never_told(
    tmp_path_factory: pytest.TempPathFactory, log: io.StringIO
) -> None:
    server = RedisServer(tmp_path_factory.mktemp("r"), "hushhush")
    server.start()
    async with AsyncExitStack() as stack:
        stack.callback(server.kill)
        for password, known in ((b"hushhush", True), (b"wrongone", False), (None, False)):
            fleet = Fleet(server.url, password)
            fleet.join()
            await until(lambda fleet=fleet: fleet.available or fleet._said)  # type: ignore[misc]
            assert fleet.available is known
            await fleet.leave()
    assert "hushhush" not in log.getvalue()
    assert "wrongone" not in log.getvalue()


async def test_nothing_in_redis_is_for_ever(redis: RedisServer) -> None:
    client = Redis.from_url(redis.url)
    async with joined(redis) as one:
        await one.claim("key", 1, 1)
        await one.allows("192.0.2.1", Rate(1, 5))
        names = [name async for name in client.scan_iter("*")]
        assert len(names) == 3
        assert all([await client.ttl(name) > 0 for name in names])
    await client.aclose()


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_what_is_released_while_redis_is_away_is_free_when_it_is_back(
    how: str, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.1)
    async with both(redis) as (one, other):
        for key in ("key", "another"):
            assert await one.claim(key, 1, 1)
        if how == "killed":  # and comes back as it was, from a copy
            client = Redis.from_url(redis.url)
            before = [(name, await client.dump(name)) for name in await client.keys("*:held:*")]
            await client.aclose()
            redis.kill()
        else:
            redis.freeze()
        for key in ("key", "another"):  # the first finds out, the second is not even sent
            one.release(key, 0)
        await until(lambda: not (one.available or other.available))
        if how == "killed":
            redis.start()
            client = Redis.from_url(redis.url)
            for name, content in before:
                assert content is not None
                await client.restore(name, 0, content, replace=True)
            await client.aclose()
        else:
            redis.thaw()
        await until(lambda: one.available and other.available)
        for key in ("key", "another"):
            await granted(lambda key=key: other.claim(key, 1, 1))  # type: ignore[misc]


async def test_a_crowd_that_asks_at_once_is_no_loss_of_redis(
    redis: RedisServer, log: io.StringIO
) -> None:
    async with joined(redis) as one:
        asked = [one.claim(f"key {number}", 1, 1) for number in range(3000)]
        assert all(await asyncio.gather(*asked))
        assert one.available
    assert [line["event"] for line in events(log)] == ["fleet_joined"]


async def test_what_others_wrote_under_its_keys_is_written_over(
    redis: RedisServer, log: io.StringIO
) -> None:
    client = Redis.from_url(redis.url)
    async with both(redis) as (one, other):
        await client.set("tunnel-gateway:held:text", "garbage")
        await client.hset("tunnel-gateway:held:word", "somebody", "garbage")
        await client.set("tunnel-gateway:alive:somebody", 1)
        await client.set("tunnel-gateway:rate:word", "garbage")
        await client.hset("tunnel-gateway:rate:hash", "a", "b")
        for key in ("text", "word"):
            assert await one.claim(key, 1, 1)
            assert not await other.claim(key, 1, 1)
        for key in ("word", "hash"):
            assert await one.allows(key, Rate(0.001, 1))
            assert not await one.allows(key, Rate(0.001, 1))
        await client.set("tunnel-gateway:held:text", "garbage")
        one.release("text", 0)
        await granted(lambda: other.claim("text", 1, 1))
    await client.aclose()
    assert {line["event"] for line in events(log)} == {"fleet_joined"}


NONSENSE = [
    *["nan", "-nan", "inf", "-inf", "-1", "-1000000", "1e300", "1e19", "1.5", "0x", "word"],
    "",
]


@pytest.mark.parametrize("value", NONSENSE)
async def test_a_number_that_is_none_is_written_over_and_bypasses_nothing(
    value: str, redis: RedisServer, log: io.StringIO
) -> None:
    client = Redis.from_url(redis.url)
    async with both(redis) as (one, other):
        assert await one.claim("key", 1, 1)
        await client.set("tunnel-gateway:alive:somebody", 1)  # it even has a lease
        await client.hset("tunnel-gateway:held:key", "somebody", value)
        assert not await other.claim("key", 1, 1)
        assert await one.claim("key", 2, 2)
        assert await client.hkeys("tunnel-gateway:held:key") == [one._name.encode()]
        await client.set("tunnel-gateway:rate:192.0.2.1", value)
        asked = [await one.allows("192.0.2.1", Rate(0.001, 3)) for _ in range(5)]
        assert asked == [True, True, True, False, False]
        kept = await client.get("tunnel-gateway:rate:192.0.2.1")
        assert kept is not None
        assert float(kept) > 1e15
    await client.aclose()
    assert {line["event"] for line in events(log)} == {"fleet_joined"}


@pytest.mark.parametrize("kind", ["list", "set", "zset", "hash", "string", "stream"])
@pytest.mark.parametrize("where", ["held", "rate"])
async def test_a_key_of_another_type_is_written_over_and_bypasses_nothing(
    kind: str, where: str, redis: RedisServer, log: io.StringIO
) -> None:
    client = Redis.from_url(redis.url)
    put = {
        "list": ("RPUSH", "x"),
        "set": ("SADD", "x"),
        "zset": ("ZADD", "1", "x"),
        "hash": ("HSET", "somebody", "nan"),
        "string": ("SET", "nan"),
        "stream": ("XADD", "*", "a", "b"),
    }[kind]
    async with both(redis) as (one, other):
        name = f"tunnel-gateway:{where}:key"
        await client.execute_command(put[0], name, *put[1:])  # type: ignore[no-untyped-call]
        if where == "held":
            assert await one.claim("key", 1, 1)
            assert not await other.claim("key", 1, 1)
        else:
            rate = Rate(0.001, 1)
            assert [await fleet.allows("key", rate) for fleet in (one, other)] == [True, False]
    await client.aclose()
    assert {line["event"] for line in events(log)} == {"fleet_joined"}


async def test_all_that_is_asked_at_once_has_one_round_trip(redis: RedisServer) -> None:
    async with slow(redis, 0.1) as address, joined_at(address) as one:
        begun = asyncio.get_running_loop().time()
        asked = [one.claim(f"key {number}", 1, 1) for number in range(300)]
        asked += [one.allows(f"192.0.2.{number}", Rate(1, 1)) for number in range(200)]
        assert all(await asyncio.gather(*asked))
        assert one.available  # in turn they would take 50 s, and the first too long would end it
        assert asyncio.get_running_loop().time() - begun < 25


async def test_redis_that_is_too_slow_is_waited_for_once_and_then_not(
    redis: RedisServer, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 600)
    monkeypatch.setattr(module, "ASK_SECONDS", 0.25)
    async with slow(redis, 0.0) as address, joined_at(address) as one:
        address.delay = 2.0  # so that even a loop that stands still sees no answer in time
        asked = [one.claim(f"key {number}", 1, 1) for number in range(100)]
        begun = asyncio.get_running_loop().time()
        assert all(await asyncio.gather(*asked))
        waited = asyncio.get_running_loop().time() - begun
        assert not one.available
        assert await one.claim("key", 1, 1)  # without a question
        # The clock of the loop stands still while a step of it runs, so the wait may seem shorter.
        assert waited >= module.ASK_SECONDS * 0.8
        lines = events(log)
        assert [line["event"] for line in lines] == ["fleet_joined", "fleet_unreachable"]
        assert "no answer within 250 ms" in lines[-1]["detail"]
        await asyncio.sleep(3)  # it is tried again, too slow, and not said again
        assert len(events(log)) == 2
        address.delay = 0.0
        await until(lambda: one.available)
    assert [line["event"] for line in events(log)][2:] == ["fleet_joined"]


def fail(fleet: Fleet) -> None:
    assert fleet._line is not None
    fleet._line._fail("a fault")


async def test_what_comes_and_goes_is_tried_less_and_less_often(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    delays = []
    async with joined(redis) as one:
        for _ in range(4):
            await until(lambda: one.available)
            fail(one)
            await until(lambda: not one.available)
            delays.append(one._delay)
        assert delays == pytest.approx([0.02, 0.04, 0.08, 0.16])
        monkeypatch.setattr(module, "STEADY_SECONDS", 0)
        await until(lambda: one.available)
        fail(one)
        await until(lambda: one._delay == 0.01)


async def test_redis_whose_clock_was_set_back_refuses_nobody(redis: RedisServer) -> None:
    client = Redis.from_url(redis.url)
    async with joined(redis) as one:
        seconds, _ = await client.time()
        await client.set("tunnel-gateway:rate:192.0.2.1", (seconds + 3600) * 1_000_000)
        rate = Rate(0.001, 2)
        assert [await one.allows("192.0.2.1", rate) for _ in range(3)] == [True, True, False]
    await client.aclose()
