"""Documents for phones in one server's memory; test_stores_in_any_order.py has random orders."""

from __future__ import annotations

import re
import tracemalloc

import pytest

from tunnel_gateway.rest.mobile.documents import (
    MESSAGE_ROOM,
    MobileDocument,
    OwnDocuments,
    Purpose,
    as_id,
    at_most,
)
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.transport.wire.rates import TokenBucket

SOURCE = "198.51.100.7"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def store(clock: Clock, seconds: float = 300, limit: int = 1000) -> OwnDocuments:
    return OwnDocuments(seconds, limit, clock)


async def begin(documents: OwnDocuments, source: str = SOURCE) -> MobileDocument:
    return await documents.begin(Purpose.SIGN_IN, source)


async def begin_many(documents: OwnDocuments, count: int) -> list[MobileDocument]:
    """Begin so many, each from another source."""
    sources = (f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(count))
    return [await begin(documents, source) for source in sources]


async def reason_of_refusal(documents: OwnDocuments, source: str = SOURCE) -> Reason:
    with pytest.raises(Refusal) as caught:
        await begin(documents, source)
    return caught.value.reason


@pytest.mark.parametrize("purpose", Purpose)
async def test_a_document_can_be_found_as_it_was_begun(purpose: Purpose) -> None:
    documents = store(Clock())
    document = await documents.begin(purpose, SOURCE)
    assert re.fullmatch("[0-9A-F]{8}", document.document_id)
    assert re.fullmatch("[0-9A-F]{64}", document.challenge)
    assert document == MobileDocument(document.document_id, purpose, document.challenge)
    assert await documents.find(document.document_id) == document
    assert await documents.find(document.document_id.lower()) == document


@pytest.mark.parametrize("text", ["", "0" * 7, "0" * 9, "0000000G", "٠" * 8, "00000000\n", "*"])
async def test_a_text_that_is_not_an_id_finds_nothing(text: str) -> None:
    assert as_id(text) is None
    assert await store(Clock()).find(text) is None


async def test_a_document_keeps_its_first_message_and_is_used_once() -> None:
    documents = store(Clock())
    document = await begin(documents)
    assert not await documents.use(document)
    assert await documents.keep(document, b"first")
    assert not await documents.keep(document, b"second")
    found = await documents.find(document.document_id)
    assert found is not None
    assert (found.message, found.used) == (b"first", False)
    assert await documents.use(found)
    assert not await documents.use(found)
    assert not await documents.keep(document, b"third")
    after = await documents.find(document.document_id)
    assert after is not None
    assert (after.message, after.used, after.challenge) == (None, True, document.challenge)


async def test_a_document_ends_with_its_life() -> None:
    clock = Clock()
    documents = store(clock)
    document = await begin(documents)
    clock.now += 299
    assert await documents.keep(document, b"message")
    clock.now += 0.9
    assert await documents.find(document.document_id)
    clock.now += 0.1
    assert await documents.find(document.document_id) is None
    assert not await documents.keep(document, b"message")
    assert not await documents.use(document)


async def test_another_document_of_the_same_id_is_not_the_same_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("secrets.token_hex", _numbers().__next__)
    clock = Clock()
    documents = store(clock)
    before = await begin(documents)
    clock.now += 300
    after = await begin(documents)
    assert before.document_id == after.document_id
    assert not await documents.keep(before, b"late")
    assert await documents.keep(after, b"right")
    assert not await documents.use(before)
    assert await documents.use(after)


async def test_an_id_that_is_taken_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", _numbers().__next__)
    documents = store(Clock())
    ids = {(await begin(documents)).document_id for _ in range(2)}
    assert ids == {"00000000", "00000001"}


class _numbers:  # noqa: N801 - it stands for a function
    """Ids that come twice each, and challenges that never do."""

    def __init__(self) -> None:
        self.count = -1

    def __next__(self, size: int = 0) -> str:
        self.count += 1
        return f"{self.count // 4:08x}" if size == 4 else f"{self.count:064x}"


async def test_lives_end_in_their_own_time_when_the_setting_changes() -> None:
    clock = Clock()
    documents = store(clock, 300)
    long = await begin(documents)
    documents.configure(60, 1000)
    short = await begin(documents)
    clock.now += 60
    assert await documents.find(short.document_id) is None
    documents.configure(3600, 1000)
    longer = await begin(documents)
    clock.now += 239
    assert await documents.find(long.document_id)
    clock.now += 1
    assert await documents.find(long.document_id) is None
    assert await documents.find(longer.document_id)
    assert list(documents.samples()) == [("tunnel_gateway_rest_mobile_documents", (), 1)]


async def test_no_more_documents_are_open_than_the_limit() -> None:
    clock = Clock()
    documents = store(clock, limit=100)
    await begin_many(documents, 100)
    assert await reason_of_refusal(documents, "192.0.2.1") is Reason.OVERLOADED
    clock.now += 300
    assert await begin(documents)
    assert list(documents.faults()) == []


async def test_one_source_begins_an_eighth_within_a_life() -> None:
    clock = Clock()
    documents = store(clock, limit=800)
    begun, reasons = 0, set()
    while clock.now < 1300:
        try:
            await begin(documents)
            begun += 1
        except Refusal as refusal:
            reasons.add(refusal.reason)
            clock.now += 1
    assert reasons == {Reason.TOO_MANY_CALLS}
    assert 98 <= begun <= 100
    assert await begin(documents, "192.0.2.1")


async def test_a_small_limit_lets_every_source_begin() -> None:
    documents = store(Clock(), limit=1)
    assert await begin(documents)


async def test_many_documents_that_end_at_once_are_forgotten_in_turns() -> None:
    """Those that are not forgotten yet are not found, and leave room for new ones."""
    clock = Clock()
    documents = store(clock, limit=3000)
    ended = await begin_many(documents, 3000)
    clock.now += 300
    last = ended[-1]
    assert not await documents.keep(last, b"message")
    assert len(documents._documents) == 2000
    assert not await documents.use(last)
    assert await begin(documents)
    assert len(documents._documents) == 1
    assert await documents.find(last.document_id) is None


async def test_kept_messages_have_a_bounded_room() -> None:
    clock = Clock()
    documents = store(clock)
    one, other, third = await begin_many(documents, 3)
    assert await documents.keep(one, b"x" * (MESSAGE_ROOM - 1))
    assert await documents.keep(other, b"x")
    with pytest.raises(Refusal) as caught:
        await documents.keep(third, b"x")
    assert caught.value.reason is Reason.OVERLOADED
    assert await documents.use(other)
    assert await documents.keep(third, b"x")
    clock.now += 300
    fourth = await begin(documents)
    assert await documents.keep(fourth, b"x" * MESSAGE_ROOM)


@pytest.mark.parametrize("amount", [1, 2, 7, 100])
def test_at_most_so_much_passes_within_the_time(amount: int) -> None:
    bucket, passed = TokenBucket(), []
    for step in range(1000):
        while bucket.take(at_most(amount, 10), step / 10):
            passed.append(step / 10)
    for first in passed:
        assert sum(first <= at < first + 10 for at in passed) <= max(2, amount)


async def test_many_documents_leave_no_memory_behind() -> None:
    clock = Clock()
    documents = store(clock, limit=2000)
    tracemalloc.start()
    try:
        held = []
        for _ in range(3):
            for document in await begin_many(documents, 2000):
                await documents.keep(document, bytes(1000))
            full, _ = tracemalloc.get_traced_memory()
            clock.now += 300
            assert [next(documents.samples())[2] for _ in range(2)] == [1000, 0]
            empty, _ = tracemalloc.get_traced_memory()
            held.append(full - empty)
            assert full - empty < 2000 * 1700
    finally:
        tracemalloc.stop()
    # What is left of the first round, the rates of the sources, is all that stays.
    assert held[0] > 2000 * 1000
    assert max(held[1:]) - min(held[1:]) < 40_000
