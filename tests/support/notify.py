"""The other end of sd_notify: a real datagram socket that keeps what it is told."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from tests.support.processes import TIME_LIMIT, wait_until


class NotifySocket:
    """Listens as systemd does; each message is a dict of its lines."""

    def __init__(self, address: str | Path) -> None:
        self.address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address.replace("@", "\0", 1))
        self._socket.setblocking(False)
        self.messages: list[dict[str, str]] = []

    def look(self) -> list[dict[str, str]]:
        """Return all messages until now."""
        while True:
            try:
                data = self._socket.recv(65536)
            except BlockingIOError:
                return self.messages
            lines = data.decode().splitlines()
            self.messages.append(dict(line.split("=", 1) for line in lines))

    def states(self) -> list[str]:
        """Return the first word of every message but those that come by the clock."""
        words = [next(iter(one)) for one in self.look()]
        return [one for one in words if one not in ("WATCHDOG", "STATUS")]

    def count(self, name: str) -> int:
        """Return how many messages have this line."""
        return sum(name in one for one in self.look())

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait until the messages are so."""
        wait_until(condition, f"{what} in {self.messages[-10:]}", TIME_LIMIT)

    def close(self) -> None:
        """Take it away; a path stays."""
        self._socket.close()
