"""The signals that end a process or ask it to read its files again."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Final

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)


class Termination:
    """SIGTERM and SIGINT as something to wait for: the first asks, the second insists."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._insisted = asyncio.Event()
        for number in _ENDING:
            _on_signal(number, self._receive)

    def _receive(self) -> None:
        (self._insisted if self._asked.is_set() else self._asked).set()

    async def asked(self) -> None:
        """Wait for the first signal."""
        await self._asked.wait()

    async def insisted(self) -> None:
        """Wait for the second signal."""
        await self._insisted.wait()


def _on_signal(number: int, callback: Callable[[], object]) -> None:
    """Call ``callback`` in the event loop at every signal ``number``."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, callback)
    except NotImplementedError:  # on Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(callback))


def on_hangup(callback: Callable[[], object]) -> None:
    """Call ``callback`` in the event loop at every SIGHUP; one that came before counts too."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, callback)
    let_hangup_through()


def let_hangup_through() -> None:
    """Take a SIGHUP that was held back since the start of the process, and all that follow."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
