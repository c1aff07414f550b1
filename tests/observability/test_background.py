"""Loops that go on whatever happens, and say so."""

from __future__ import annotations

import asyncio
import errno
import io
import json
from collections.abc import Callable
from contextlib import suppress
from typing import get_args

import pytest

from tests.support.log_lines import read_records
from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.observability import background as module
from tunnel_gateway.observability.background import GoOn, Loop, failures, keep_running


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY_SECONDS", 0.001)


def count(name: Loop) -> int:
    return dict(failures())[name]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(TIME_LIMIT):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    async with asyncio.timeout(TIME_LIMIT):
        await asyncio.wait((task,))
    assert task.cancelled()


def test_every_loop_has_a_count_from_the_start() -> None:
    assert set(dict(failures())) == set(get_args(Loop))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "Too many open files"),
        ValueError("nonsense"),
        MemoryError(),
        TimeoutError(),
        ExceptionGroup("several", [ValueError("nonsense")]),
        asyncio.CancelledError(),  # of what the round waited for
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_round_that_fails_is_logged_and_counted_and_the_next_one_comes(
    error: BaseException, log: io.StringIO
) -> None:
    rounds = 0

    async def a_round() -> None:
        nonlocal rounds
        rounds += 1
        if rounds in (2, 3):
            raise error
        await asyncio.sleep(0)

    before = count("memory")
    running = keep_running("memory", a_round)
    await until(lambda: rounds > 5)
    await end(running)
    assert count("memory") == before + 2
    lines = read_records(log.getvalue())
    assert [(line["event"], line["level"], line["loop"]) for line in lines] == [
        ("background_failed", "error", "memory")
    ] * 2
    assert type(error).__name__ in lines[0]["detail"]
    assert ("exception" in lines[0]) is not isinstance(error, OSError)


async def test_what_fails_each_time_is_tried_later_and_later(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[float] = []
    sleep = asyncio.sleep

    async def counted(seconds: float) -> None:
        delays.append(seconds)
        await sleep(0)

    async def fail() -> None:
        raise ValueError("always")

    monkeypatch.setattr(module, "FIRST_DELAY_SECONDS", 1.0)
    monkeypatch.setattr("asyncio.sleep", counted)
    running = keep_running("expiry", fail)
    while len(delays) < 6:
        await sleep(0)
    running.cancel()
    assert delays[:6] == [1, 2, 4, 8, 10, 10]
    assert log.getvalue()


async def test_cancelling_ends_it_wherever_it_is(log: io.StringIO) -> None:
    began = asyncio.Event()

    async def wait() -> None:
        began.set()
        await asyncio.Event().wait()

    async def fail() -> None:
        began.set()
        raise ValueError("always")

    for a_round in (wait, fail):
        began.clear()
        running = keep_running("status", a_round)
        async with asyncio.timeout(TIME_LIMIT):
            await began.wait()
        await end(running)
    assert log.getvalue().count("background_failed") <= 2


async def test_what_is_wanted_no_more_ends() -> None:
    left = 3

    async def a_round() -> None:
        nonlocal left
        left -= 1

    async with asyncio.timeout(TIME_LIMIT):
        await keep_running("circuits", a_round, lambda: left > 0)
    assert left == 0


def test_what_is_behind_a_block_that_failed_is_done(log: io.StringIO) -> None:
    before = count("audit")
    done = False
    with GoOn("audit"):
        raise OSError(errno.ESTALE, "Stale file handle")
    done = True
    assert done
    assert count("audit") == before + 1
    with pytest.raises(KeyboardInterrupt), GoOn("audit"):
        raise KeyboardInterrupt
    assert json.loads(log.getvalue())["detail"].endswith("Stale file handle")


async def test_a_cancellation_that_a_round_takes_away_ends_the_loop() -> None:
    """As a TaskGroup does that fails in the same moment, before Python 3.13."""
    rounds = 0

    async def a_round() -> None:
        nonlocal rounds
        rounds += 1
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.001 if rounds > 1 else TIME_LIMIT)

    running = keep_running("memory", a_round, lambda: rounds < 100)
    await until(lambda: rounds == 1)
    running.cancel()
    await asyncio.wait((running,))
    assert rounds == 1
