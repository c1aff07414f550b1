"""`check` asks a Redis as the services do."""

from __future__ import annotations

import pytest

from tests.support.redis import RedisServer, redis
from tunnel_gateway.daemon.findings import Finding
from tunnel_gateway.limits.redis_check import check_redis
from tunnel_gateway.limits.redis_line import RedisLine

__all__ = ["redis"]


async def checked(
    url: str, *question: str, password: bytes | None = None, seconds: float = 10.0
) -> Finding:
    def line() -> RedisLine:
        return RedisLine(url, password, seconds, seconds)

    return await check_redis("challenges", url, line, question or ("PING",))


async def test_it_answers(redis: RedisServer) -> None:
    assert await checked(redis.url) == Finding("challenges", redis.url, "ok", "it answers")


async def test_a_question_that_it_does_not_know_needs_the_operator(redis: RedisServer) -> None:
    found = await checked(redis.url, "GETSOMETHING", "key")
    assert found.status == "fault"
    assert "unknown command" in found.text


async def test_a_wrong_password_needs_the_operator(
    tmp_path_factory: pytest.TempPathFactory, redis: RedisServer
) -> None:
    closed = RedisServer(tmp_path_factory.mktemp("p"), password="right")
    closed.start()
    try:
        assert (await checked(closed.url, password=b"right")).status == "ok"
        for password in (b"wrong", None):
            found = await checked(closed.url, password=password)
            assert found.status == "fault"
            assert "wrong" not in found.text
    finally:
        closed.kill()


async def test_one_that_is_away_may_come_back(redis: RedisServer) -> None:
    redis.freeze()
    try:
        found = await checked(redis.url, seconds=0.1)
        assert found.status == "warning"
    finally:
        redis.thaw()
    redis.kill()
    found = await checked(redis.url)
    assert found.status == "warning"
    assert "does not answer" in found.text
