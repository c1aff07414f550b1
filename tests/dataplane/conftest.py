"""Each relay there is: these tests say what all of them do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.joined import KINDS, Carrier, carrier_of


@pytest_asyncio.fixture(params=KINDS)
async def carrier(request: pytest.FixtureRequest) -> AsyncIterator[Carrier]:
    """Make the relay under test."""
    with carrier_of(request.param) as carrier:
        yield carrier
