"""Token buckets: never more than burst + rate · t, and no less than that either."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunnel_gateway.transport.wire.rates import Rate, TokenBucket

RATES = st.builds(Rate, st.integers(1, 1000), st.integers(1, 1000))
STEPS = st.lists(st.tuples(st.floats(0, 100), st.integers(1, 100)), max_size=60)


@settings(deadline=None)
@given(RATES, STEPS)
def test_within_any_time_no_more_than_burst_and_rate(
    rate: Rate, steps: list[tuple[float, int]]
) -> None:
    bucket = TokenBucket()
    now = 1000.0
    taken: list[tuple[float, int]] = []
    for wait, amount in steps:
        now += wait
        if bucket.take(rate, now, amount):
            taken.append((now, amount))
    for first in range(len(taken)):
        total = 0
        for at, amount in taken[first:]:
            total += amount
            assert total <= rate.burst + rate.per_second * (at - taken[first][0]) + 1e-6


@settings(deadline=None)
@given(RATES, STEPS)
def test_what_has_come_back_can_be_taken(rate: Rate, steps: list[tuple[float, int]]) -> None:
    bucket = TokenBucket()
    now = 1000.0
    for wait, amount in steps:
        now += wait
        bucket.take(rate, now, amount)
    assert bucket.take(rate, now + rate.burst / rate.per_second + 1e-6, rate.burst - 1e-6)


@settings(deadline=None)
@given(RATES, STEPS)
def test_who_waits_as_told_spends_at_the_rate(rate: Rate, steps: list[tuple[float, int]]) -> None:
    bucket = TokenBucket()
    start = now = 1000.0
    total = 0
    for wait, amount in steps:
        now += wait
        total += amount
        now += bucket.spend(rate, now, amount)
        assert total <= rate.burst + rate.per_second * (now - start) + 1e-6


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = TokenBucket()
    rate = Rate(1, 1)
    assert bucket.take(rate, 100)
    assert not bucket.take(rate, 50)
    assert bucket.take(rate, 51)


def test_a_changed_rate_counts_at_once() -> None:
    bucket = TokenBucket()
    assert [bucket.take(Rate(1, 2), 10) for _ in range(3)] == [True, True, False]
    assert bucket.take(Rate(1, 2).times(2), 10)


@pytest.mark.parametrize("amount", [1, 10, 11])
def test_a_debt_is_waited_for(amount: int) -> None:
    assert TokenBucket().spend(Rate(2, 10), 0, amount) == max(0, amount - 10) / 2


@settings(deadline=None)
@given(RATES, STEPS)
def test_a_look_says_whether_it_could_be_taken(rate: Rate, steps: list[tuple[float, int]]) -> None:
    bucket = TokenBucket()
    now = 1000.0
    for wait, amount in steps:
        now += wait
        there = bucket.has(rate, now, amount)
        assert bucket.take(rate, now, amount) == there
