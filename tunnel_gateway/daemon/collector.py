"""When Python searches for garbage: seldom, because every new tunnel waits for a full search.

Python frees an object at once when nothing refers to it. Only cycles of objects need a search. A
full search looks at every object: with thousands of tunnels it stops Python for tenths of a second,
though not the bytes of open tunnels. By itself Python searches whenever there are a quarter more
objects than before.

No connection leaves a cycle behind, however it ends (tests/gateway/test_cycles.py), so a full
search finds nothing, and this module turns Python's own full searches off. Python still looks at
young objects. If a mistake makes cycles after all, a full search finds them

* while there are few connections, because the search is short then, or
* when the memory has doubled or is full, because the search is worth its time then.

The objects that were loaded before the first connection are set aside for good. No other object
is: Python cannot find cycles among objects that are set aside.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Final

from tunnel_gateway.daemon.resident_memory import MemoryWatch

# How often it is decided whether a search is due.
_SECONDS: Final = 5.0
# With so few connections a full search takes some milliseconds.
_FEW: Final = 50
# From one such search to the next.
_FEW_SECONDS: Final = 600.0
# When the memory is full, users are refused: a search is worth its time then, once a minute.
_FULL_SECONDS: Final = 60.0
_NEVER: Final = 2**31 - 1


class Collector:
    """Decides when to search all objects; ``connections`` returns how many there are."""

    def __init__(self, connections: Callable[[], int], memory: MemoryWatch) -> None:
        self._connections = connections
        self._memory = memory
        self._searched_at = 0.0
        self._used_then = memory.used

    def begin(self, now: float) -> None:
        """Set all loaded objects aside before any connection, and turn full searches off."""
        gc.collect()
        gc.freeze()
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, _NEVER)
        self._note(now)

    def look(self, now: float) -> None:
        """Search all objects if the search is short or worth its time."""
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
        """Wait some seconds, then search if it is due."""
        await asyncio.sleep(_SECONDS)
        self.look(asyncio.get_running_loop().time())
