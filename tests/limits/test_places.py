"""Places by key: each counted, and nothing is kept of what is over."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import pytest

from tests.support.held import holding
from tunnel_gateway.limits.places import Held, Places


def test_each_key_is_counted_for_itself() -> None:
    places = Places()
    with ExitStack() as stack:
        for key in "aab":
            stack.enter_context(holding(places.hold, key))
        assert [places[key] for key in "abc"] == [2, 1, 0]
        assert len(places) == 2
    assert len(places) == 0


def test_a_place_comes_back_after_an_error() -> None:
    places = Places()
    with pytest.raises(ZeroDivisionError), holding(places.hold, "a"):
        raise ZeroDivisionError
    assert (places["a"], len(places)) == (0, 0)


def test_what_is_held_is_given_back_once_and_the_last_first() -> None:
    told: list[int] = []
    with Held() as held:
        for number in range(3):
            held.add(partial(told.append, number))
        assert told == []
        held.release()
        assert told == [2, 1, 0]
    assert told == [2, 1, 0]


def test_the_rest_is_given_back_after_a_failure() -> None:
    told: list[int] = []
    held = Held()
    held.add(lambda: told.append(1))
    held.add(lambda: 1 // 0)
    held.add(lambda: told.append(2))
    with pytest.raises(ZeroDivisionError):
        held.release()
    assert told == [2, 1]
