"""How late the event loop is: what an open tunnel waits for when something takes too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_LOOK_SECONDS: Final = 0.5


async def measure_lag(observe: Callable[[float], object], seconds: float = _LOOK_SECONDS) -> None:
    """Tell ``observe`` how many seconds late a timer of ``seconds`` came."""
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds
    await asyncio.sleep(seconds)
    observe(max(0.0, loop.time() - due))
