"""Keeping Python's search for garbage short, however many tunnels are open.

A full search looks at every object that there is: with thousands of tunnels it stops all of them
for hundreds of milliseconds. What an open tunnel holds is no garbage, and a tunnel that ends leaves
no cycle behind (transport/relay.py), so nothing of it has to be searched for. So all that has
lasted is set aside again and again, and a search looks only at what has come since. A cycle that
somebody has left after all stays there until the gateway is nearly empty; then everything is
looked at once more.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Final

_SECONDS: Final = 5.0
# So few connections that a search of everything takes some milliseconds.
_FEW: Final = 50
_THOROUGH_SECONDS: Final = 600.0


class Collector:
    """Sets aside what lasts; ``connections`` tells how many there are."""

    def __init__(self, connections: Callable[[], int]) -> None:
        self._connections = connections
        self._thorough_at = 0.0

    def set_aside(self, now: float) -> None:
        """Take all that is there out of the search, after a look at it if there is little."""
        if self._connections() <= _FEW and now >= self._thorough_at:
            self._thorough_at = now + _THOROUGH_SECONDS
            gc.unfreeze()
            gc.collect()
        gc.freeze()

    async def round(self) -> None:
        """Do so, and wait some seconds."""
        self.set_aside(asyncio.get_running_loop().time())
        await asyncio.sleep(_SECONDS)
