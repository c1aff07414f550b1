"""Steps on the loop: one a round, turns by source, what is counted, what is measured."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref

import pytest

from tunnel_gateway.daemon.turns import LoopSteps, Turns


def of(turns: Turns, source: str) -> LoopSteps:
    steps = turns.steps()
    steps.source = source
    return steps


async def test_a_step_runs_at_once_if_the_round_is_free() -> None:
    turns = Turns()
    for _ in range(3):
        future = of(turns, "a").submit(pow, 2, 5)
        assert future.result() == 32
        assert turns.waiting == 0
        await asyncio.sleep(0)


async def test_a_round_of_the_loop_has_one_step() -> None:
    turns, done = Turns(), list[int]()
    later = [of(turns, "a").submit(done.append, number) for number in range(4)]
    for rounds in range(4):
        assert done == list(range(rounds + 1))
        assert turns.waiting == 3 - rounds
        await asyncio.sleep(0)
    assert all(one.done() for one in later)


async def test_sources_take_turns() -> None:
    turns, done = Turns(), list[str]()
    gate = of(turns, "gate").submit(int)
    order = ["a"] * 5 + ["b"] + ["a"] * 5 + ["c", "b"]
    later = [of(turns, source).submit(done.append, source) for source in order]
    await asyncio.gather(gate, *later)
    # A step waits for one step of each other source, and not for all earlier steps.
    assert "".join(done) == "abcab" + "a" * 8


async def test_a_step_that_comes_while_others_wait_does_not_pass_them() -> None:
    turns, done = Turns(), list[int]()
    for number in range(3):
        of(turns, "a").submit(done.append, number)
    await asyncio.sleep(0)
    await of(turns, "a").submit(done.append, 3)
    assert done == [0, 1, 2, 3]


async def test_the_time_of_the_processor_is_measured() -> None:
    turns = Turns()
    steps = of(turns, "a")

    def work() -> None:
        until = time.thread_time() + 0.01
        while time.thread_time() < until:
            pass

    await steps.submit(work)
    first = steps.spent
    assert first >= 0.01

    def fail() -> None:
        work()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await steps.submit(fail)
    assert steps.spent >= first + 0.01


async def test_a_step_that_was_given_up_is_not_run_and_takes_no_round() -> None:
    turns, done = Turns(), list[int]()
    first, given_up, kept = (of(turns, "a").submit(done.append, number) for number in range(3))
    assert first.done()
    assert given_up.cancel()
    await asyncio.sleep(0)
    assert kept.done()
    assert done == [0, 2]


async def test_closing_drops_what_waits() -> None:
    turns = Turns()
    done, later = (of(turns, "a").submit(int) for _ in range(2))
    turns.close()
    assert turns.waiting == 0
    assert later.cancelled()
    assert done.result() == 0
    await asyncio.sleep(0)
    assert of(turns, "a").submit(int).done()


async def test_an_error_leaves_no_cycle() -> None:
    class WorkError(Exception):
        pass

    def fail() -> None:
        raise WorkError

    turns = Turns()
    gc.disable()
    try:
        for _ in range(2):  # at once, and in its turn
            future = of(turns, "a").submit(fail)
            await asyncio.wait((future,))
            error = future.exception()
            assert isinstance(error, WorkError)
            seen = weakref.ref(error)
            del error, future
            assert seen() is None
            of(turns, "a").submit(int)
    finally:
        gc.enable()
