from __future__ import annotations

from collections.abc import Iterator

from tunnel_gateway.errors import TunnelGatewayError


def below(kind: type[TunnelGatewayError]) -> Iterator[type[TunnelGatewayError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)


def test_a_code_belongs_to_one_kind_of_error() -> None:
    """Only a class and the classes under it may share a code."""
    owners: dict[str, type[TunnelGatewayError]] = {}
    for kind in below(TunnelGatewayError):
        assert issubclass(kind, owners.setdefault(kind.code, kind)), kind
