from __future__ import annotations

from tunnel_gateway.limit_keys import Limit


def test_a_limit_is_named_by_the_key_that_sets_it() -> None:
    assert f"{Limit.MEMORY}" == "tunnel.memory.limit"
    assert Limit.TUNNELS.reached() == "the most that tunnel.limit allows"


def test_a_limit_of_a_destination_is_named_for_it() -> None:
    text = Limit.DESTINATION_CONNECTS.reached("tax")
    assert text == "the most that tunnel.destination.tax.connect.limit allows"
