"""Keeping Python's search for garbage short, however many tunnels are open.

Garbage in this sense are only cycles: what nobody refers to any more is free at once. A full
search looks at every object that there is: with thousands of tunnels it stops all of them for
tenths of a second. No connection leaves a cycle behind, however it ends (tests/gateway/
test_cycles.py), so the search has nothing to find, and Python's own habit of a full one whenever
there is a quarter more than before is turned off; what is young is still looked at. Should there
be cycles after all, they are found when that costs little, because few connections are there, or
when it is worth its time, because the memory has doubled or is full.

What was loaded before the first connection is set aside for good. Nothing else ever is: what is
set aside cannot be found any more.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Final

from tunnel_gateway.daemon.resident_memory import MemoryWatch

_SECONDS: Final = 5.0
# So few connections that a search of everything takes some milliseconds.
_FEW: Final = 50
_FEW_SECONDS: Final = 600.0
# When the memory is full, users are refused: a search is worth a stop, but not over and over.
_FULL_SECONDS: Final = 60.0
_NEVER: Final = 2**31 - 1


class Collector:
    """Decides when everything is searched. ``connections`` tells how many there are."""

    def __init__(self, connections: Callable[[], int], memory: MemoryWatch) -> None:
        self._connections = connections
        self._memory = memory
        self._searched_at = 0.0
        self._used_then = memory.used

    def begin(self, now: float) -> None:
        """Set aside what is loaded, before the first connection; no full search by itself."""
        gc.collect()
        gc.freeze()
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, _NEVER)
        self._note(now)

    def look(self, now: float) -> None:
        """Search everything if it costs little or is worth it."""
        if self._is_due(now - self._searched_at):
            gc.collect()
            self._memory.look()
            self._note(now)

    def _is_due(self, seconds: float) -> bool:
        return (
            (seconds >= _FEW_SECONDS and self._connections() <= _FEW)
            or (seconds >= _FULL_SECONDS and self._memory.full)
            or 0 < 2 * self._used_then <= self._memory.used
        )

    def _note(self, now: float) -> None:
        self._searched_at = now
        self._used_then = self._memory.used

    async def round(self) -> None:
        """Wait some seconds, and look."""
        await asyncio.sleep(_SECONDS)
        self.look(asyncio.get_running_loop().time())
