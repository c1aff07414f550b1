"""The threads of the REST service, shared by the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tunnel_gateway.rest.working import Threads


@pytest.fixture(scope="module")
def threads() -> Iterator[Threads]:
    made = Threads()
    yield made
    made.close()
