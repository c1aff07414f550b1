"""The thread of the public-key work: turns by source, what is counted, what is measured."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from tunnel_gateway.daemon.workers import Steps, Workers


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers()
    yield made
    made.close()


def of(workers: Workers, source: str) -> Steps:
    steps = workers.steps()
    steps.source = source
    return steps


class Gate:
    """Keeps the thread busy until it is opened."""

    def __init__(self, workers: Workers) -> None:
        begun, self._go_on = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            self._go_on.wait()

        self.step = of(workers, "gate").submit(work)
        begun.wait()

    def open(self) -> None:
        self._go_on.set()


def test_what_waits_is_counted(workers: Workers) -> None:
    assert workers.waiting == 0
    gate = Gate(workers)
    later = [of(workers, "a").submit(int) for _ in range(3)]
    assert workers.waiting == 3
    gate.open()
    assert [one.result() for one in later] == [0, 0, 0]
    assert workers.waiting == 0


def test_sources_take_turns(workers: Workers) -> None:
    done: list[str] = []
    gate = Gate(workers)
    order = ["a"] * 5 + ["b"] + ["a"] * 5 + ["c", "b"]
    later = [of(workers, source).submit(done.append, source) for source in order]
    gate.open()
    for one in later:
        one.result()
    # A step waits for one step of each other source, and not for all earlier steps.
    assert "".join(done) == "abcab" + "a" * 8


def test_steps_of_a_source_keep_their_order(workers: Workers) -> None:
    gate = Gate(workers)
    done: list[int] = []
    later = [of(workers, "a").submit(done.append, number) for number in range(20)]
    gate.open()
    for one in later:
        one.result()
    assert done == list(range(20))


def test_the_time_of_the_processor_is_measured(workers: Workers) -> None:
    steps = of(workers, "a")

    def work() -> None:
        until = time.thread_time() + 0.01
        while time.thread_time() < until:
            pass

    steps.submit(work).result()
    first = steps.spent
    assert first >= 0.01
    steps.submit(time.sleep, 0.05).result()
    assert steps.spent - first < 0.05  # sleeping takes no processor time

    def fail() -> None:
        work()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        steps.submit(fail).result()
    assert steps.spent >= first + 0.01


def test_a_step_that_was_given_up_is_not_run(workers: Workers) -> None:
    gate = Gate(workers)
    done: list[int] = []
    given_up, kept = (of(workers, "a").submit(done.append, number) for number in (1, 2))
    assert given_up.cancel()
    gate.open()
    kept.result()
    assert done == [2]


def test_closing_drops_what_waits() -> None:
    workers = Workers()
    gate = Gate(workers)
    later = of(workers, "a").submit(int)
    workers.close()
    with pytest.raises(CancelledError):
        later.result()
    gate.open()
    gate.step.result()


def test_an_error_leaves_no_cycle(workers: Workers) -> None:
    class WorkError(Exception):
        pass

    def fail() -> None:
        raise WorkError

    gc.disable()
    try:
        future = of(workers, "a").submit(fail)
        error = future.exception()
        assert isinstance(error, WorkError)
        seen = weakref.ref(error)
        del error, future
        of(workers, "a").submit(int).result()  # the thread has left the step before
        assert seen() is None
    finally:
        gc.enable()
