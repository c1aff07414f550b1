"""The services that there are, against what a service must offer; mypy compares the types."""

from __future__ import annotations

import pytest

from tests.support.second_service import Second, second_part
from tunnel_gateway.daemon.service import Operators, Part, Service, ServiceFiles
from tunnel_gateway.gateway.gateway import TUNNELS, Gateway


def offered(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


@pytest.mark.parametrize(("part", "service"), [(TUNNELS, Gateway), (second_part()[0], Second)])
def test_a_service_offers_everything(part: Part[object], service: type) -> None:
    assert offered(Service) <= set(dir(service))
    assert offered(ServiceFiles) | set(ServiceFiles.__annotations__) <= set(dir(part.files))
    assert {key.name for key in part.files.keys} >= part.files.listen_keys


def test_what_operators_are_told() -> None:
    from tunnel_gateway.gateway.admin.routes import TunnelOperators  # noqa: PLC0415

    assert offered(Operators) <= set(dir(TunnelOperators))
