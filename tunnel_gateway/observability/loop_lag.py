"""How late the event loop is: so long an open tunnel waits when some code takes too much time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_LOOK_SECONDS: Final = 0.5  # often enough to meet a short stall, seldom enough to cost nothing


async def measure_lag(observe: Callable[[float], object], seconds: float = _LOOK_SECONDS) -> None:
    """Call ``observe`` with the seconds that a timer of ``seconds`` was late."""
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds
    await asyncio.sleep(seconds)
    observe(max(0.0, loop.time() - due))
