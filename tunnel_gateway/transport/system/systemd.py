"""Messages to systemd about this process: sd_notify(3), written here because it is one datagram.

Each message is a few lines ``NAME=value`` to the socket that NOTIFY_SOCKET names. Without that
variable every call here does nothing. A message that cannot be sent is lost, without an error:
systemd then acts as if this process hung, which is its task.

The state fixes the order of the messages: after STOPPING=1 no message says that the gateway serves.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from enum import Enum, auto
from functools import partial
from typing import Final

from tunnel_gateway.observability.background import keep_running

# How often the text of STATUS= is made; a new text is sent.
STATUS_SECONDS: Final = 3.0

# A stop takes up to this much longer than the drain: last words, and the end of the process.
_MARGIN_SECONDS: Final = 15.0
_MICROSECONDS: Final = 1_000_000
_MAX_DIGITS: Final = 15  # 31 years


class _Phase(Enum):
    STARTING = auto()
    SERVING = auto()
    RELOADING = auto()
    STOPPING = auto()


class Notifier:
    """Tells systemd the state of this process; ``environment`` is where systemd told us how.

    The variables are taken out of it, so that no child speaks for us.
    """

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        variables = os.environ if environment is None else environment
        address = variables.pop("NOTIFY_SOCKET", "")
        # A path, or a name of the abstract namespace, whose first byte is a zero.
        self._address = {"/": address, "@": f"\0{address[1:]}"}.get(address[:1])
        self._watchdog_seconds = _watchdog_seconds(variables)
        self._phase = _Phase.STARTING
        self._status = ""

    def ready(self) -> None:
        """The gateway serves, at first or again; nothing once it stops."""
        if self._phase is not _Phase.STOPPING:
            self._phase = _Phase.SERVING
            self._send("READY=1")

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Tell the beginning of a reload, and its end, also if it failed.

        The time in the message proves to systemd that it answers the last signal, not an earlier
        one. It is CLOCK_MONOTONIC in microseconds (Type=notify-reload).
        """
        if self._phase is _Phase.SERVING:
            self._phase = _Phase.RELOADING
            self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self.ready()

    def stopping(self, seconds: float) -> None:
        """The gateway no longer serves, and waits up to ``seconds`` for its open tunnels."""
        self._phase = _Phase.STOPPING
        microseconds = int((seconds + _MARGIN_SECONDS) * _MICROSECONDS)
        self._send("STOPPING=1", f"EXTEND_TIMEOUT_USEC={microseconds}")

    def attend(self, status: Callable[[], str]) -> Iterator[asyncio.Task[None]]:
        """Begin to feed the watchdog and to tell each new ``status``, one line.

        Yields the tasks that do it, to be cancelled. Both run in the event loop and nowhere else:
        a loop that stands still feeds nobody.
        """
        if self._address is None:
            return
        yield keep_running("status", partial(self._tell, status))
        if self._watchdog_seconds:
            yield keep_running("watchdog", self._feed)

    async def _feed(self) -> None:
        self._send("WATCHDOG=1")
        await asyncio.sleep(self._watchdog_seconds / 2)

    async def _tell(self, status: Callable[[], str]) -> None:
        if (text := status()) != self._status:
            self._status = text
            self._send(f"STATUS={text}")
        await asyncio.sleep(STATUS_SECONDS)

    def _send(self, *lines: str) -> None:
        if self._address is None:
            return
        # A socket for each message: there are few, and none is open that systemd might restart.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            sending.sendto("\n".join(lines).encode(), self._address)


def _watchdog_seconds(variables: MutableMapping[str, str]) -> float:
    """How long systemd waits for a sign of life (sd_watchdog_enabled(3)); 0: it does not."""
    microseconds = variables.pop("WATCHDOG_USEC", "")
    pid = variables.pop("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdecimal() or len(microseconds) > _MAX_DIGITS or pid != str(os.getpid()):
        return 0
    return int(microseconds) / _MICROSECONDS
