"""Each relay there is: these tests say what all of them do."""

from __future__ import annotations

import pytest

from tests.support.joined import CARRIERS, Carrier


@pytest.fixture(params=CARRIERS)
def carrier(request: pytest.FixtureRequest) -> Carrier:
    """The relay under test."""
    return CARRIERS[request.param]
