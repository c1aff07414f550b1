"""Places by key: each counted, and nothing is kept of what is over."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tunnel_gateway.limits.places import Places


def test_each_key_is_counted_for_itself() -> None:
    places = Places()
    with ExitStack() as stack:
        for key in "aab":
            stack.enter_context(places.hold(key))
        assert [places[key] for key in "abc"] == [2, 1, 0]
        assert len(places) == 2
    assert len(places) == 0


def test_a_place_comes_back_after_an_error() -> None:
    places = Places()
    with pytest.raises(ZeroDivisionError), places.hold("a"):
        raise ZeroDivisionError
    assert (places["a"], len(places)) == (0, 0)
