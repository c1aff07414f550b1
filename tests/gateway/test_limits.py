"""Places for tunnels and handshakes: so many, and each comes back."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tunnel_gateway.errors import OverloadedError
from tunnel_gateway.gateway.limits import Admission


@pytest.mark.parametrize("what", ["tunnel", "handshake"])
def test_so_many_and_no_more(what: str) -> None:
    admission = Admission(tunnel_limit=3, handshake_limit=3)
    place = getattr(admission, what)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(place())
        for _ in range(2):
            with (
                pytest.raises(OverloadedError, match=r"^3 .* tunnel\.(handshake\.)?limit"),
                place(),
            ):
                pytest.fail("there was no place")
        assert getattr(admission, f"{what}s") == 3
    assert getattr(admission, f"{what}s") == 0
    with place():
        pass


@pytest.mark.parametrize("what", ["tunnel", "handshake"])
def test_a_place_comes_back_after_an_error(what: str) -> None:
    admission = Admission(tunnel_limit=1, handshake_limit=1)
    place = getattr(admission, what)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), place():
            raise ZeroDivisionError
    assert (admission.tunnels, admission.handshakes) == (0, 0)


def test_the_two_are_counted_apart() -> None:
    admission = Admission(tunnel_limit=1, handshake_limit=1)
    with admission.tunnel(), admission.handshake():
        assert (admission.tunnels, admission.handshakes) == (1, 1)
