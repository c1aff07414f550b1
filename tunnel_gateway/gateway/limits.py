"""Admission: how many tunnels may be open, and how many handshakes in progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tunnel_gateway.errors import OverloadedError


class Admission:
    """Counts connections from accept on, before anything is spent on cryptography."""

    def __init__(self, *, tunnel_limit: int, handshake_limit: int) -> None:
        self._tunnel_limit = tunnel_limit
        self._handshake_limit = handshake_limit
        self.tunnels = 0
        self.handshakes = 0

    def set_limits(self, *, tunnels: int, handshakes: int) -> None:
        """Change the limits; whoever has a place keeps it, also over a lower limit."""
        self._tunnel_limit = tunnels
        self._handshake_limit = handshakes

    @contextmanager
    def tunnel(self) -> Iterator[None]:
        """Hold a place for a tunnel; raises OverloadedError when all are taken."""
        if self.tunnels >= self._tunnel_limit:
            raise OverloadedError(
                f"{self.tunnels} tunnels are open, the most that tunnel.limit allows"
            )
        self.tunnels += 1
        try:
            yield
        finally:
            self.tunnels -= 1

    @contextmanager
    def handshake(self) -> Iterator[None]:
        """Hold a place for a handshake; raises OverloadedError when all are taken."""
        if self.handshakes >= self._handshake_limit:
            raise OverloadedError(
                f"{self.handshakes} handshakes are in progress,"
                " the most that tunnel.handshake.limit allows"
            )
        self.handshakes += 1
        try:
            yield
        finally:
            self.handshakes -= 1
