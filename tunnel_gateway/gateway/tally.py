"""What is counted of connections: per tunnel, and never per record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tunnel_gateway.gateway.account import Account
from tunnel_gateway.observability.metrics import Metrics, State


class Tally:
    """Counts in ``metrics`` what becomes of connections, and what open tunnels carry.

    Domains and dst_ids come from the configuration that the tunnel began with, for both are
    checked before a tunnel opens: strangers cannot add to them.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._open: dict[Account, tuple[str, str]] = {}
        self._ended_bytes: dict[tuple[str, str], tuple[int, int]] = {}
        metrics.watch(self._states)

    def proven(self, account: Account) -> None:
        """Note that the user of a connection is proven."""
        now = asyncio.get_running_loop().time()
        self.metrics.handshakes.observe(now - account.started)

    @contextmanager
    def connecting(self, dst_id: str) -> Iterator[None]:
        """Measure a connect to a destination; one that is cancelled does not count."""
        begun = time.monotonic()  # the loop's clock counts milliseconds
        try:
            yield
        except Exception:
            self.metrics.connect_failures.labels(dst_id).inc()
            raise
        self.metrics.connects.labels(dst_id).observe(time.monotonic() - begun)

    def opened(self, account: Account) -> None:
        """Note that bytes pass from now on."""
        place = (account.domain or "", account.dst_id or "")
        self._open[account] = place
        self._ended_bytes.setdefault(place, (0, 0))
        self.metrics.opened.labels(*place).inc()

    def closed(self, account: Account, reason: str) -> None:
        """Note the end of an open tunnel; what it carried stays counted."""
        self.metrics.closed(reason)
        place = self._open.pop(account)
        up, down = self._ended_bytes[place]
        self._ended_bytes[place] = (up + account.bytes_up, down + account.bytes_down)

    def _states(self) -> Iterator[State]:
        # Both from one pass, so that no tunnel is counted twice or not at all.
        totals = {place: [0, *ended] for place, ended in self._ended_bytes.items()}
        for account, place in self._open.items():
            total = totals[place]
            total[0] += 1
            total[1] += account.bytes_up
            total[2] += account.bytes_down
        for place, (tunnels, up, down) in totals.items():
            yield "tunnel_gateway_tunnels_open", place, tunnels
            yield "tunnel_gateway_bytes_total", (*place, "up"), up
            yield "tunnel_gateway_bytes_total", (*place, "down"), down
