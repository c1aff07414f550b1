"""Documents for phones in a real Redis; test_stores_in_any_order.py has random orders."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from redis import Redis

from tests.support.log_lines import read_records
from tests.support.redis import RedisServer, redis, slow
from tests.support.rest import until
from tunnel_gateway.limits.redis_line import RedisLine
from tunnel_gateway.rest.mobile.documents import MESSAGE_ROOM, MobileDocument, Purpose
from tunnel_gateway.rest.mobile.redis_documents import RedisDocuments
from tunnel_gateway.rest.statuses import Reason, Refusal

__all__ = ["redis"]

SOURCE = "198.51.100.7"
ID = "B7735734"
KEY = f"tunnel-gateway:mobile:{ID}"


@asynccontextmanager
async def store(
    url: str, seconds: float = 60, limit: int = 1000, time_limit: float = 0.3
) -> AsyncIterator[RedisDocuments]:
    """Have a store with a connection."""
    documents = RedisDocuments(lambda: RedisLine(url, None, time_limit, 1.0), seconds, limit)
    await documents.start()
    await until(lambda: is_there(documents))
    try:
        yield documents
    finally:
        await documents.close()


def is_there(documents: RedisDocuments) -> bool:
    return not list(documents.faults())


async def begin(documents: RedisDocuments, source: str = SOURCE) -> MobileDocument:
    return await documents.begin(Purpose.SIGN_IN, source)


async def test_a_document_of_one_server_is_for_all_servers(redis: RedisServer) -> None:
    async with store(redis.url) as one, store(redis.url) as other:
        document = await one.begin(Purpose.DOCUMENT, SOURCE)
        assert await other.find(document.document_id.lower()) == document
        assert await other.keep(document, b"\xff\x00\r\n")
        assert not await one.keep(document, b"late")
        found = await one.find(document.document_id)
        assert found is not None
        assert (found.message, found.used, found.purpose) == (b"\xff\x00\r\n", False, "document")
        assert await one.use(found)
        assert not await other.use(found)
        used = await other.find(document.document_id)
        assert used is not None
        assert (used.message, used.used) == (None, True)


async def test_one_of_many_simultaneous_steps_is_right(redis: RedisServer) -> None:
    async with store(redis.url) as one, store(redis.url) as other:
        for _ in range(20):
            document = await begin(one)
            keeps = (server.keep(document, b"message") for server in (one, other) * 5)
            assert sum(await asyncio.gather(*keeps)) == 1
            uses = (server.use(document) for server in (one, other) * 5)
            assert sum(await asyncio.gather(*uses)) == 1


async def test_no_step_makes_a_life_longer(redis: RedisServer) -> None:
    async with store(redis.url, seconds=0.6) as documents:
        document = await begin(documents)
        began = time.monotonic()
        documents.configure(3600, 1000)
        assert await documents.keep(document, b"message")
        assert await documents.use(document)
        await asyncio.sleep(0.7 - (time.monotonic() - began))
        assert await documents.find(document.document_id) is None
        assert not await documents.keep(document, b"message")
        assert not await documents.use(document)
    assert Redis.from_url(redis.url).dbsize() == 0


@pytest.mark.parametrize("text", ["", "*", "probe", "a" * 1000, "0" * 9, "00000000\n"])
async def test_no_other_key_is_asked_for(redis: RedisServer, text: str) -> None:
    async with store(redis.url) as documents:
        redis.kill()
        assert await documents.find(text) is None


async def test_an_id_that_is_taken_is_not_given_again(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = iter([ID, ID, "00000001", *[ID] * 8])

    def token_hex(size: int) -> str:
        return next(ids) if size == 4 else "ab" * size

    monkeypatch.setattr("secrets.token_hex", token_hex)
    async with store(redis.url) as one, store(redis.url) as other:
        assert (await begin(one)).document_id == ID
        assert (await begin(other)).document_id == "00000001"
        with pytest.raises(Refusal) as caught:
            await begin(one)
    assert caught.value.reason is Reason.MOBILE_STORE_AWAY


async def test_another_document_of_the_same_id_is_not_the_same_document(
    redis: RedisServer,
) -> None:
    async with store(redis.url) as one, store(redis.url) as other:
        document = await begin(one)
        before = replace(document, challenge="0" * 64)
        assert not await other.keep(before, b"late")
        assert await other.keep(document, b"right")
        assert not await one.use(before)
        assert await one.use(document)


async def test_strangers_cannot_fill_the_redis(redis: RedisServer) -> None:
    async with store(redis.url, limit=16) as documents:
        for number in range(8):
            await begin(documents, f"192.0.2.{number}")
        with pytest.raises(Refusal) as caught:
            await begin(documents)
        assert caught.value.reason is Reason.OVERLOADED
        documents.configure(60, 32)
        assert await begin(documents, "192.0.2.1")
        with pytest.raises(Refusal) as caught:
            await begin(documents, "192.0.2.1")
        assert caught.value.reason is Reason.TOO_MANY_CALLS


async def test_kept_messages_have_a_bounded_room(redis: RedisServer) -> None:
    async with store(redis.url, time_limit=5) as documents:
        assert await documents.keep(await begin(documents), b"x" * (MESSAGE_ROOM // 2 - 9))
        with pytest.raises(Refusal) as caught:
            await documents.keep(await begin(documents), b"x" * MESSAGE_ROOM)
        assert caught.value.reason is Reason.OVERLOADED
        assert await documents.keep(await begin(documents), b"x")


async def test_a_full_redis_refuses_one_step_and_no_other(redis: RedisServer) -> None:
    client = Redis.from_url(redis.url)
    async with store(redis.url) as documents:
        document, other = await begin(documents), await begin(documents)
        assert await documents.keep(document, b"message")
        client.config_set("maxmemory", 1)
        for step in (
            begin(documents),
            documents.keep(other, b"message"),
            documents.use(document),
        ):
            with pytest.raises(Refusal, match="refuses to write") as caught:
                await step
            assert caught.value.reason is Reason.MOBILE_STORE_AWAY
            assert "maxmemory" in caught.value.for_log
        found = await documents.find(document.document_id)
        assert found is not None
        assert (found.message, found.used) == (b"message", False)
        client.config_set("maxmemory", 0)
        assert is_there(documents)
        assert await documents.keep(other, b"message")
        assert await documents.use(document)


RIGHT = {"purpose": "sign_in", "challenge": "A" * 64}


@pytest.mark.parametrize(
    "record",
    [
        {"x": "y"},
        {"purpose": "sign_in"},
        {"challenge": "A" * 64},
        {"message": "m"},
        RIGHT | {"purpose": "other"},
        RIGHT | {"purpose": b"\xff"},
        RIGHT | {"challenge": "a" * 64},
        RIGHT | {"challenge": b"\xff" * 64},
        RIGHT | {"challenge": "A" * 64 + "\n"},
        RIGHT | {"used": "2"},
        RIGHT | {"used": "1", "message": "m"},
        "text",
        ["a", "list"],
    ],
)
async def test_a_damaged_record_counts_as_none(
    redis: RedisServer, log: io.StringIO, record: object
) -> None:
    client = Redis.from_url(redis.url)
    match record:
        case dict():
            client.hset(KEY, mapping=record)
        case list():
            client.rpush(KEY, *record)
        case _:
            client.set(KEY, str(record))
    async with store(redis.url) as documents:
        assert await documents.find(ID) is None
        document = MobileDocument(ID, Purpose.SIGN_IN, "B" * 64)
        assert not await documents.keep(document, b"message")
        assert not await documents.use(document)
        assert is_there(documents)  # an error of Redis would have ended the connection
    records = read_records(log.getvalue())
    damaged = [record for record in records if record["event"] == "mobile_document_damaged"]
    assert len(damaged) == (record != {"x": "y"})
    assert all(line["document_id"] == ID and "A" * 64 not in str(line) for line in damaged)


async def test_many_damaged_records_do_not_fill_the_log(
    redis: RedisServer, log: io.StringIO
) -> None:
    Redis.from_url(redis.url).set(KEY, "text")
    async with store(redis.url) as documents:
        for _ in range(100):
            assert await documents.find(ID) is None
    assert log.getvalue().count("mobile_document_damaged") == 30


async def test_without_redis_nothing_is_begun_and_nothing_is_accepted(
    redis: RedisServer, log: io.StringIO
) -> None:
    async with store(redis.url) as documents:
        document = await begin(documents)
        assert list(documents.samples()) == [("tunnel_gateway_rest_mobile_redis_up", (), 1)]
        redis.kill()
        for step in (
            begin(documents),
            documents.find(document.document_id),
            documents.keep(document, b"message"),
            documents.use(document),
        ):
            with pytest.raises(Refusal) as caught:
                await step
            assert caught.value.reason is Reason.MOBILE_STORE_AWAY
        await until(lambda: not is_there(documents))
        (fault,) = documents.faults()
        assert "mobile.storage.redis" in fault
        assert list(documents.samples()) == [("tunnel_gateway_rest_mobile_redis_up", (), 0)]
        redis.start()
        await until(lambda: is_there(documents))
        assert await documents.find(document.document_id) is None
        assert await documents.keep(await begin(documents), b"message")
    events = [record["event"] for record in read_records(log.getvalue())]
    names = ["mobile_documents_shared", "mobile_documents_away", "mobile_documents_shared"]
    assert events == names
    assert document.challenge not in log.getvalue()


async def test_a_redis_that_hangs_costs_a_short_time(redis: RedisServer) -> None:
    async with store(redis.url) as documents:
        document = await begin(documents)
        redis.freeze()
        began = time.monotonic()
        with pytest.raises(Refusal):
            await documents.find(document.document_id)
        assert time.monotonic() - began < 5
        redis.thaw()
        await until(lambda: is_there(documents))
        assert await documents.find(document.document_id) == document


async def test_a_slow_redis_is_waited_for(redis: RedisServer) -> None:
    async with slow(redis, 0.1) as proxy, store(proxy.url, time_limit=5) as documents:
        document = await begin(documents)
        assert await documents.keep(document, b"message")
        assert await documents.use(document)


async def test_a_store_that_never_began_is_away() -> None:
    documents = RedisDocuments(lambda: RedisLine("redis://127.0.0.1:1", None, 1), 60, 10)
    with pytest.raises(Refusal) as caught:
        await begin(documents)
    assert caught.value.reason is Reason.MOBILE_STORE_AWAY
    await documents.close()


async def test_a_connection_that_is_lost_in_the_middle_accepts_nothing_twice(
    redis: RedisServer,
) -> None:
    client = Redis.from_url(redis.url)
    async with store(redis.url) as one, store(redis.url) as other:
        for _ in range(4):
            document = await begin(one)
            works = [server.keep(document, b"message") for server in (one, other) * 5]
            keeps = [asyncio.ensure_future(work) for work in works]
            await asyncio.sleep(0)  # they are sent, or about to be
            client.client_kill_filter(_type="normal", skipme=True)
            results = await asyncio.gather(*keeps, return_exceptions=True)
            assert results.count(True) <= 1
            assert all(isinstance(each, bool | Refusal) for each in results)
            await until(lambda: not (is_there(one) or is_there(other)))
            await until(lambda: is_there(one) and is_there(other))
            found = await one.find(document.document_id)
            assert found is not None
            # The answer may be lost when the message is kept, and never the other way round.
            assert found.message == b"message" or True not in results
            late = await other.keep(document, b"late")
            assert late == (found.message is None)
            assert await one.use(document)
            assert not await other.use(document)
