from __future__ import annotations

from collections.abc import Iterator

from tunnel_gateway.errors import Limit, TunnelGatewayError


def test_a_limit_is_named_by_the_key_that_sets_it() -> None:
    assert f"{Limit.MEMORY}" == "tunnel.memory.limit"
    assert Limit.TUNNELS.reached() == "the most that tunnel.limit allows"


def test_a_limit_of_a_destination_is_named_for_it() -> None:
    text = Limit.DESTINATION_CONNECTS.reached("tax")
    assert text == "the most that tunnel.destination.tax.connect.limit allows"


def below(kind: type[TunnelGatewayError]) -> Iterator[type[TunnelGatewayError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)


def test_a_code_belongs_to_one_kind_of_error() -> None:
    """Only a class and the classes under it may share a code."""
    owners: dict[str, type[TunnelGatewayError]] = {}
    for kind in below(TunnelGatewayError):
        assert issubclass(kind, owners.setdefault(kind.code, kind)), kind
