"""A circuit: closed, open after failures in a row, closed by a success."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tunnel_gateway.gateway.circuit import (
    FAILURES_TO_OPEN,
    FIRST_PROBE_SECONDS,
    LAST_PROBE_SECONDS,
    Circuit,
    probe_delays,
)

NOW = datetime(2025, 3, 1, 12, 30, tzinfo=UTC)


def test_so_many_failures_in_a_row_open_it_once() -> None:
    circuit = Circuit()
    told = [circuit.failed("refused", NOW) for _ in range(FAILURES_TO_OPEN + 2)]
    assert told.count(True) == 1
    assert told.index(True) == FAILURES_TO_OPEN - 1
    assert circuit.open
    assert circuit.story() == (
        "refused; down since 2025-03-01 12:30:00 UTC, and tried in the background"
    )


def test_a_success_closes_it_and_says_so_once() -> None:
    circuit = Circuit()
    for _ in range(FAILURES_TO_OPEN):
        circuit.failed("refused", NOW)
    later = NOW + timedelta(seconds=3)
    assert circuit.succeeded(later)
    assert not circuit.succeeded(later)
    assert (circuit.open, circuit.failures, circuit.since) == (False, 0, later)


@settings(deadline=None)
@given(st.lists(st.booleans()))
def test_it_is_open_exactly_after_failures_in_a_row(answers: list[bool]) -> None:
    circuit = Circuit()
    in_a_row = 0
    for answer in answers:
        in_a_row = 0 if answer else in_a_row + 1
        changed = circuit.succeeded(NOW) if answer else circuit.failed("refused", NOW)
        assert circuit.open is (in_a_row >= FAILURES_TO_OPEN)
        assert circuit.failures == in_a_row
        assert not changed or circuit.since == NOW


def test_probes_come_later_and_later_up_to_a_bound() -> None:
    delays = probe_delays()
    assert (delays[0], delays[-1]) == (FIRST_PROBE_SECONDS, LAST_PROBE_SECONDS)
    assert list(delays) == sorted(delays)
