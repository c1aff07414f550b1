"""The threads of the REST service, new for each test: one that fails may leave them blocked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tunnel_gateway.rest.working import Threads


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads()
    yield made
    made.close()
