"""Only loaded objects are set aside, and cycles are found when a search is worth its time."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from tunnel_gateway.daemon.collector import Collector
from tunnel_gateway.daemon.resident_memory import MIB, MemoryWatch


class Knot:
    """A cycle of its own."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class Machine:
    """A collector, and what it asks for."""

    def __init__(self) -> None:
        self.connections = 1000
        self.used = 100 * MIB
        self.memory = MemoryWatch(1000 * MIB, lambda: self.used)
        self.collector = Collector(lambda: self.connections, self.memory)
        self.collector.begin(0.0)


def old_knot() -> weakref.ref[Knot]:
    made = Knot()
    gc.collect(1)  # into the oldest generation
    return weakref.ref(made)


def test_what_was_loaded_is_set_aside_and_nothing_else_ever() -> None:
    machine = Machine()
    loaded = gc.get_freeze_count()
    assert loaded > 1000
    knot = old_knot()
    for now in range(5, 600, 5):
        machine.collector.look(float(now))
    # Less only: what was loaded may go.
    assert gc.get_freeze_count() <= loaded
    gc.collect()
    assert knot() is None


def test_there_is_no_full_search_by_itself() -> None:
    Machine()
    full = []
    gc.callbacks.append(lambda phase, facts: full.append(facts["generation"]))
    try:
        kept = [[number] for number in range(200_000)]
    finally:
        gc.callbacks.pop()
    assert len(kept) == 200_000
    assert set(full) == {0, 1}


@pytest.mark.parametrize(
    ("connections", "used", "now", "searched"),
    [
        (1000, 100, 5.0, False),
        (1000, 199, 100_000.0, False),
        (1000, 200, 5.0, True),  # twice as much as before
        (50, 100, 599.0, False),
        (50, 100, 600.0, True),  # it takes no time
        (51, 100, 600.0, False),
    ],
)
def test_when_everything_is_searched(
    connections: int, used: int, now: float, searched: bool
) -> None:
    machine = Machine()
    machine.connections, machine.used = connections, used * MIB
    knot = old_knot()
    machine.memory.look()
    machine.collector.look(now)
    assert (knot() is None) == searched


def test_before_users_are_refused_for_ever() -> None:
    machine = Machine()
    machine.used = 900 * MIB
    machine.memory.look()
    machine.collector.look(5.0)
    machine.used = 1000 * MIB
    machine.memory.look()
    knot = old_knot()
    machine.collector.look(64.0)
    assert knot() is not None
    machine.collector.look(65.0)
    assert knot() is None
    knot = old_knot()
    machine.collector.look(124.0)
    assert knot() is not None  # a search that found nothing is not repeated at once


def test_what_a_search_has_freed_counts_at_once() -> None:
    machine = Machine()
    machine.used = 1000 * MIB
    machine.memory.look()
    machine.used = 100 * MIB
    machine.collector.look(5.0)
    assert not machine.memory.full
