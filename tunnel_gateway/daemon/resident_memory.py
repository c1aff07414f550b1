"""The memory of this process: at the limit new work is refused, so the process goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.process import resident_bytes

log = get_logger(__name__)

MIB: Final = 1 << 20
# Between two looks: the memory must not grow far over the limit in this time.
_SECONDS: Final = 1.0


class MemoryWatch:
    """Compares the memory with ``limit`` bytes, which may change; 0 means that there is no limit.

    ``used`` is 0 if the system does not tell it. Then nothing is refused.
    """

    def __init__(self, limit: int, read: Callable[[], int] = resident_bytes) -> None:
        self.limit = limit
        self.used = read()
        self._read = read
        self._said = False
        self._said_unknown = False

    @property
    def full(self) -> bool:
        """Tell whether the memory had reached the limit at the last look."""
        return 0 < self.limit <= self.used

    def look(self) -> None:
        """Read the memory; log once when it reaches the limit and once when it is below again."""
        self.used = self._read()
        if not self.used:
            self._say_unknown()
            return
        if self.full == self._said:
            return
        self._said = self.full
        facts = {"megabytes": self.used // MIB, "limit": self.limit // MIB}
        if self.full:
            log.error("memory_full", **facts, effect="new tunnels and REST calls are refused")
        else:
            log.info("memory_free", **facts)

    def _say_unknown(self) -> None:
        if not self._said_unknown:
            self._said_unknown = True
            log.warning(
                "memory_unknown",
                detail="/proc is not mounted",
                effect=f"{Limit.MEMORY} does not hold; process_resident_memory_bytes and"
                " process_open_fds are absent",
            )

    async def round(self) -> None:
        """Look, and wait a second."""
        self.look()
        await asyncio.sleep(_SECONDS)
