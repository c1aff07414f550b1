"""The counts of connections: per tunnel, and never per record."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Iterator

from prometheus_client import Histogram

from tunnel_gateway.gateway.session_facts import SessionFacts
from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.observability.metrics import Metrics


class Tally:
    """Counts in ``metrics`` how connections end, and the bytes that tunnels carry.

    The labels are a domain and a dst_id of the configuration that the tunnel began with. Both are
    checked before a tunnel opens, so strangers cannot add labels.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._open: dict[SessionFacts, tuple[str, str]] = {}
        self._ended_bytes: dict[tuple[str, str], tuple[int, int]] = {}
        # Found once for each set of labels, of which the configuration allows a few.
        self._opened_by = functools.cache(metrics.opened.labels)
        self._connects_to = functools.cache(metrics.connects.labels)
        metrics.watch(self._samples)

    def proven(self, facts: SessionFacts) -> None:
        """Note that the user of a connection is proven."""
        now = asyncio.get_running_loop().time()
        self._metrics.handshakes.observe(now - facts.started)

    def connecting(self, dst_id: str) -> Connecting:
        """Measure a connect to a destination. A connect that is cancelled does not count."""
        return Connecting(self._metrics, self._connects_to, dst_id)

    def opened(self, facts: SessionFacts) -> None:
        """Note that bytes pass from now on."""
        labels = (facts.domain or "", facts.dst_id or "")
        self._open[facts] = labels
        self._ended_bytes.setdefault(labels, (0, 0))
        self._opened_by(*labels, facts.protocol).inc()

    def closed(self, facts: SessionFacts, reason: str) -> None:
        """Note the end of an open tunnel. The bytes that it carried stay counted."""
        self._metrics.closed(reason, facts.protocol)
        labels = self._open.pop(facts)
        up, down = self._ended_bytes[labels]
        self._ended_bytes[labels] = (up + facts.bytes_up, down + facts.bytes_down)

    def _samples(self) -> Iterator[Sample]:
        # Open and ended tunnels in one pass: so no tunnel is counted twice or left out.
        totals = {labels: [0, *ended] for labels, ended in self._ended_bytes.items()}
        for facts, labels in self._open.items():
            total = totals[labels]
            total[0] += 1
            total[1] += facts.bytes_up
            total[2] += facts.bytes_down
        for labels, (tunnels, up, down) in totals.items():
            yield "tunnel_gateway_tunnels_open", labels, tunnels
            yield "tunnel_gateway_bytes_total", (*labels, "up"), up
            yield "tunnel_gateway_bytes_total", (*labels, "down"), down


class Connecting:
    """A block that connects to a destination, and how its time or its failure is counted."""

    __slots__ = ("_begun", "_connects_to", "_dst_id", "_metrics")

    def __init__(
        self, metrics: Metrics, connects_to: Callable[[str], Histogram], dst_id: str
    ) -> None:
        self._metrics = metrics
        self._connects_to = connects_to
        self._dst_id = dst_id

    def __enter__(self) -> None:
        self._begun = time.monotonic()  # the loop's clock counts milliseconds

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            seconds = time.monotonic() - self._begun
            self._connects_to(self._dst_id).observe(seconds)
        elif isinstance(error, Exception):
            self._metrics.connect_failures.labels(self._dst_id).inc()
