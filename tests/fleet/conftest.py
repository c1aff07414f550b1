"""A fleet for each test, with both balancers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.fleet import Fleet

StartFleet = Callable[..., Fleet]


@pytest.fixture
def start_fleet(
    credentials: Credentials, destinations: dict[str, int], tmp_path: Path
) -> Iterator[StartFleet]:
    """Start a fleet behind the balancer of a kind, with settings of the gateways' own."""
    started: list[Fleet] = []

    def start(kind: str, *, with_redis: bool = False, **settings: object) -> Fleet:
        keys = {name.replace("_", "."): value for name, value in settings.items()}
        fleet = Fleet(kind, credentials, tmp_path, destinations, keys, with_redis=with_redis)
        started.append(fleet)
        return fleet

    yield start
    for fleet in started:
        fleet.close()


@pytest.fixture(params=["haproxy", "nginx"])
def fleet(request: pytest.FixtureRequest, start_fleet: StartFleet) -> Fleet:
    """A fleet with the default settings."""
    return start_fleet(request.param)
