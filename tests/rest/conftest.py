"""What tests of the REST service use: its threads, an authority that answers, the whole service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.centre import RunningCentre, running_centre
from tests.support.rest_site import RestSite, rest_site
from tunnel_gateway.rest.working import Threads


@pytest.fixture
def threads() -> Iterator[Threads]:
    """New for each test: one that fails may leave them blocked."""
    made = Threads(beside_tunnels=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def centre() -> Iterator[RunningCentre]:
    """The authority of a file."""
    with running_centre() as made:
        yield made


@pytest.fixture
async def site(centre: RunningCentre, tmp_path: Path) -> AsyncIterator[RestSite]:
    """The service behind its port."""
    async with rest_site(centre, tmp_path) as made:
        yield made
