"""The log of the gateway's parts in this process."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from tunnel_gateway.observability.logs import configure_logs


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged from the level info on, one JSON object a line."""
    stream = io.StringIO()
    configure_logs("json", "info", stream)
    yield stream
    configure_logs("json", "info")
