"""Work on media that may not answer: a dead network share, a broken USB stick.

A system call on such a medium does not return, and nothing can end the call. So each medium has one
thread at most. A caller waits for a limited time. While the thread hangs, other callers are refused
at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.agent.threads import in_thread
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.os_errors import sentence

MEDIUM_SECONDS: Final = 10.0
MAX_WORKING: Final = 100

log = get_logger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Work:
    result: asyncio.Future[Any]
    until: float


class Media:
    """The work in progress on each medium. A path on the medium names it."""

    def __init__(self, seconds: float = MEDIUM_SECONDS) -> None:
        self._seconds = seconds
        self._working: dict[Path, _Work] = {}

    async def ask(self, medium: Path, work: Callable[[], _T]) -> _T:
        """Do ``work`` on a medium, after the work in progress there, and return its result.

        Raises CallRefusedError: ``disk_silent``, after twice ``seconds`` at the latest, or if the
        medium answers with an error.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._seconds
        while (before := self._working.get(medium)) is not None:
            left = min(deadline, before.until) - loop.time()
            await asyncio.wait({before.result}, timeout=max(0.0, left))
            if not before.result.done():
                raise refused("disk_silent")
        if len(self._working) >= MAX_WORKING:
            raise refused("disk_silent")
        result = in_thread(work)
        self._working[medium] = _Work(result, loop.time() + self._seconds)
        result.add_done_callback(lambda _: self._working.pop(medium))
        await asyncio.wait({result}, timeout=self._seconds)  # wait never cancels the work
        if not result.done():
            log.warning("disk_silent", disk=str(medium), detail=f"no answer in {self._seconds:g} s")
            raise refused("disk_silent")
        try:
            return result.result()
        except OSError as error:
            log.warning("disk_silent", disk=str(medium), detail=sentence(error))
            raise refused("disk_silent") from None
