from __future__ import annotations

import pytest

from tunnel_gateway.limits.sources import REMEMBERED
from tunnel_gateway.rest.call import Caller
from tunnel_gateway.rest.mobile.guesses import Guesses
from tunnel_gateway.rest.statuses import Reason, Refusal

SOURCE = "198.51.100.7"


def caller(source: str) -> Caller:
    return Caller(source, user=source)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def may_guess(guesses: Guesses, source: str = SOURCE) -> bool:
    try:
        guesses.expect_few(caller(source))
    except Refusal:
        return False
    return True


def test_a_source_that_guesses_too_often_is_told_so() -> None:
    guesses = Guesses(Clock())
    for _ in range(100):
        guesses.count(caller(SOURCE))
    with pytest.raises(Refusal, match=SOURCE) as caught:
        guesses.expect_few(caller(SOURCE))
    assert caught.value.reason is Reason.TOO_MANY_CALLS


def test_a_source_may_guess_a_hundred_times_and_then_twice_a_second() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    count = 0
    while clock.now < 50:
        while may_guess(guesses):
            guesses.count(caller(SOURCE))
            count += 1
        clock.now += 0.25
    assert 195 <= count <= 200
    assert may_guess(guesses, "198.51.100.8")


def test_a_right_name_costs_nothing() -> None:
    guesses = Guesses(Clock())
    for _ in range(1000):
        assert may_guess(guesses)
    assert len(guesses._sources) == 0


def test_guesses_beyond_the_limit_are_not_owed_for_ever() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    for _ in range(10_000):
        guesses.count(caller(SOURCE))
    assert not may_guess(guesses)
    clock.now += 1
    assert may_guess(guesses)


def test_all_addresses_of_a_subscriber_are_one_source() -> None:
    guesses = Guesses(Clock())
    for number in range(100):
        guesses.count(caller(f"2001:db8:1:1::{number}"))
    assert not may_guess(guesses, "2001:db8:1:1::ffff")


def test_the_memory_of_guesses_is_bounded() -> None:
    guesses = Guesses(Clock())
    for number in range(REMEMBERED + 100):
        guesses.count(caller(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"))
    assert len(guesses._sources) == REMEMBERED


def test_the_application_is_not_counted() -> None:
    guesses = Guesses(Clock())
    own = Caller(SOURCE, user=SOURCE, own=True)
    for _ in range(1000):
        guesses.count(own)
        guesses.expect_few(own)
    assert may_guess(guesses)
