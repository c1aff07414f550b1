"""A limit on the lines that strangers cause: without it they could fill the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

LINES: Final = 30
SECONDS: Final = 60.0


class FewLines:
    """Admits at most ``lines`` lines within SECONDS. The next line tells how many were left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, lines: int = LINES) -> None:
        self._clock = clock
        self._lines = lines
        self._began = 0.0
        self._written = lines
        self._untold = 0

    def admit(self) -> dict[str, int] | None:
        """Return the facts to add to the line; None if the line must not be written."""
        now = self._clock()
        if self._written >= self._lines and now - self._began >= SECONDS:
            self._began, self._written = now, 0
        if self._written >= self._lines:
            self._untold += 1
            return None
        self._written += 1
        untold, self._untold = self._untold, 0
        return {"untold": untold} if untold else {}
