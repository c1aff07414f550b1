"""How late the event loop is: what an open tunnel waits for when something takes too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_LOOK_SECONDS: Final = 0.5


async def watch_loop(observe: Callable[[float], object], seconds: float = _LOOK_SECONDS) -> None:
    """Tell ``observe`` how many seconds late each timer came, until this is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + seconds
        await asyncio.sleep(seconds)
        observe(max(0.0, loop.time() - due))
