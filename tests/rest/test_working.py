"""The threads of the methods: what runs where, whose turn it is, and which errors come out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.support.calls import CALLER
from tests.support.garbage import cycles
from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.errors import BadSignedDataError, CertificateError, SignedDataError
from tunnel_gateway.rest.call import Caller
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.working import Threads

SMALLEST = 8 * 1024
LARGE = 256 * 1024 + 1


@pytest.fixture(params=[True, False], ids=["beside tunnels", "without tunnels"])
def anywhere(request: pytest.FixtureRequest) -> Iterator[Threads]:
    made = Threads(beside_tunnels=request.param)
    yield made
    made.close()


def fail(error: Exception) -> None:
    raise error


async def test_small_and_large_work_have_a_thread_each(threads: Threads) -> None:
    small = await threads.run(CALLER, 1, threading.get_ident)
    large = await threads.run(CALLER, LARGE, threading.get_ident)
    assert len({small, large, threading.get_ident()}) == 3
    assert await threads.run(CALLER, LARGE - 1, threading.get_ident) == small


async def test_without_tunnels_the_smallest_work_is_done_on_the_loop() -> None:
    threads = Threads(beside_tunnels=False)
    assert await threads.run(CALLER, SMALLEST, threading.get_ident) == threading.get_ident()
    small = await threads.run(CALLER, SMALLEST + 1, threading.get_ident)
    large = await threads.run(CALLER, LARGE, threading.get_ident)
    assert len({small, large, threading.get_ident()}) == 3
    threads.close()


async def test_a_large_document_keeps_no_small_one_waiting(threads: Threads) -> None:
    free = threading.Event()
    slow = asyncio.ensure_future(threads.run(CALLER, LARGE, free.wait, TIME_LIMIT))
    assert await asyncio.wait_for(threads.run(CALLER, 1, str, 1), 5) == "1"
    assert not slow.done()
    free.set()
    await slow


async def test_an_executor_for_work_that_others_start(threads: Threads) -> None:
    loop = asyncio.get_running_loop()
    small = await threads.run(CALLER, 1, threading.get_ident)
    assert await loop.run_in_executor(threads.steps(), threading.get_ident) == small


async def test_callers_take_turns(threads: Threads) -> None:
    free, begun, order = threading.Event(), threading.Event(), list[str]()

    def hold() -> None:
        begun.set()
        free.wait(TIME_LIMIT)

    first = asyncio.ensure_future(threads.run(CALLER, 1, hold))
    await asyncio.to_thread(begun.wait)
    crowd = [
        asyncio.ensure_future(threads.run(CALLER, 1, order.append, f"crowd {number}"))
        for number in range(3)
    ]
    await asyncio.sleep(0)
    other = asyncio.ensure_future(threads.run(Caller("192.0.2.9"), 1, order.append, "other"))
    await asyncio.sleep(0)
    assert threads.waiting == 4
    free.set()
    await asyncio.gather(first, other, *crowd)
    assert order == ["crowd 0", "other", "crowd 1", "crowd 2"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SignedDataError("malformed: it breaks off"), Reason.MALFORMED),
        (BadSignedDataError("another document"), Reason.DOCUMENT_CHANGED),
        (Refusal(Reason.NO_DOCUMENT, "detached"), Reason.NO_DOCUMENT),
    ],
)
async def test_malformed_messages_are_refused(
    anywhere: Threads, error: Exception, reason: Reason
) -> None:
    with pytest.raises(Refusal) as caught:
        await anywhere.run(CALLER, 1, fail, error)
    assert caught.value.reason is reason
    assert str(error) in (caught.value.detail, str(caught.value))


async def test_other_errors_stay_what_they_are(anywhere: Threads) -> None:
    with pytest.raises(CertificateError):
        await anywhere.run(CALLER, 1, fail, CertificateError("x"))


async def test_cycles(anywhere: Threads) -> None:
    """A stranger can be refused as often as they like: nothing may wait for a search."""
    refused = 0
    with cycles() as left:
        for _ in range(3):
            try:
                await anywhere.run(CALLER, 1, parse_signed_data, b"rubbish")
            except Refusal:
                refused += 1
            await asyncio.sleep(0.01)
    assert refused == 3
    assert not left, left


async def test_closed_threads_cancel_what_waits() -> None:
    threads, free = Threads(beside_tunnels=True), threading.Event()
    begun = threading.Event()

    def hold() -> bool:
        begun.set()
        return free.wait(TIME_LIMIT)

    running = asyncio.ensure_future(threads.run(CALLER, 1, hold))
    await asyncio.to_thread(begun.wait)
    waiting = asyncio.ensure_future(threads.run(CALLER, 1, str, 1))
    await asyncio.sleep(0)
    threads.close()
    free.set()
    assert await running is True
    with pytest.raises(asyncio.CancelledError):
        await waiting
