"""A daemon in the process of the tests: its log, and its signals."""

from __future__ import annotations

import asyncio
import io
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.loopback import TIME_LIMIT


class Log(io.StringIO):
    """The log, and something to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._written = asyncio.Event()

    def write(self, text: str) -> int:
        self._written.set()
        return super().write(text)

    async def saw(self, text: str) -> None:
        """Wait until the log has ``text``."""
        async with asyncio.timeout(TIME_LIMIT):
            while text not in self.getvalue():
                self._written.clear()
                await self._written.wait()


@contextmanager
def serving_signals() -> Iterator[None]:
    """Take the handlers of the ended loop away at the end."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
