"""A time limit for what a peer must do, apart from the time-outs of its socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tunnel_gateway.errors import TimedOutError


@asynccontextmanager
async def within(seconds: float, fault: str) -> AsyncIterator[None]:
    """Raise TimedOutError with the text ``fault`` if the block takes longer than ``seconds``."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise  # the socket's own time-out: the peer does not acknowledge what we sent
        raise TimedOutError(fault) from None
