"""Fleets, with both balancers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.fleet import Fleet
from tests.support.processes import wait_until

StartFleet = Callable[..., Fleet]


@contextmanager
def fleets(
    credentials: Credentials, destinations: dict[str, int], base: Path
) -> Iterator[StartFleet]:
    started: list[Fleet] = []

    def start(kind: str, *, with_redis: bool = False, **settings: object) -> Fleet:
        keys = {name.replace("_", "."): value for name, value in settings.items()}
        folder = base / f"fleet-{len(started)}"
        folder.mkdir()
        fleet = Fleet(kind, credentials, folder, destinations, keys, with_redis=with_redis)
        started.append(fleet)
        return fleet

    yield start
    for fleet in started:
        fleet.close()


@pytest.fixture
def start_fleet(
    credentials: Credentials, destinations: dict[str, int], tmp_path: Path
) -> Iterator[StartFleet]:
    """Start a fleet behind the balancer of a kind, with settings of the gateways' own."""
    with fleets(credentials, destinations, tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def start_shared_fleet(
    credentials: Credentials, destinations: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartFleet]:
    """Start a fleet for the tests of one file: it ends with the last of them."""
    with fleets(credentials, destinations, tmp_path_factory.mktemp("fleets")) as start:
        yield start


@pytest.fixture(scope="module", params=["haproxy", "nginx"])
def shared_fleet(request: pytest.FixtureRequest, start_shared_fleet: StartFleet) -> Fleet:
    """A fleet with the default settings."""
    return start_shared_fleet(request.param)


@pytest.fixture
def fleet(shared_fleet: Fleet) -> Iterator[Fleet]:
    """The fleet of a file, without connections of other tests; only the last test may break it."""
    idle = [gateway.sockets() for gateway in shared_fleet.gateways]
    yield shared_fleet

    def is_quiet() -> bool:
        now = [gateway.sockets() for gateway in shared_fleet.gateways]
        return all(used <= before for used, before in zip(now, idle, strict=True))

    wait_until(is_quiet, "the end of all connections")
