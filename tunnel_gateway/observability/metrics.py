"""The metrics of one process, in a registry of their own; metric_table.py says what they mean.

Events are counted when they happen, for each tunnel and never for each record. States are asked for
when somebody reads the metrics: `Metrics.watch` takes the functions that answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.background import failures
from tunnel_gateway.observability.metric_table import METRICS, OTHER, REASONS, Metric, Sample
from tunnel_gateway.observability.process import Process

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

# The library would add a second series to each counter, with its start. process_start_time_seconds
# says the same.
disable_created_metrics()  # type: ignore[no-untyped-call]

_METRIC_OF: Final = {metric.name: metric for metric in METRICS}
# The values of the label protocol; nobody opens a tunnel in the last.
PROTOCOLS: Final = ("own", "stp", "unknown")
_KNOWN_REASONS: Final = frozenset(REASONS)


def reason_label(reason: str) -> str:
    """Return ``reason`` if the table has it, else `OTHER`."""
    return reason if reason in _KNOWN_REASONS else OTHER


class Metrics:
    """Counts events, and shows the counts and the samples of the watched functions."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self.opened = self._counter("tunnel_gateway_tunnels_opened_total")
        self._closed = self._counter("tunnel_gateway_tunnels_closed_total")
        self._refused = self._counter("tunnel_gateway_refusals_total")
        self.probes = self._counter("tunnel_gateway_probes_total")
        self.handshakes = self._histogram("tunnel_gateway_handshake_seconds")
        self.connects = self._histogram("tunnel_gateway_connect_seconds")
        self.connect_failures = self._counter("tunnel_gateway_connect_failures_total")
        self.loop_lag = self._histogram("tunnel_gateway_loop_lag_seconds")
        self.reloads = self._counter("tunnel_gateway_reloads_total")
        self.limits_reached = self._counter("tunnel_gateway_limits_reached_total")
        self.rest_calls = self._counter("tunnel_gateway_rest_calls_total")
        self.rest_seconds = self._histogram("tunnel_gateway_rest_call_seconds")
        self.rest_received = self._counter("tunnel_gateway_rest_received_bytes_total")
        self.rest_sent = self._counter("tunnel_gateway_rest_sent_bytes_total")
        self.rest_challenges = self._counter("tunnel_gateway_rest_challenges_total")
        self.rest_mobile_documents = self._counter("tunnel_gateway_rest_mobile_documents_total")
        self._process = Process()
        self._watched = _Watched()
        self._registry.register(self._watched)
        self.watch(_background)
        self.watch(self._process.samples)
        # Without a zero at the start, Prometheus would not see the first increase.
        for reason, protocol in product(REASONS, PROTOCOLS):
            self._refused.labels(reason, protocol)
        self._closed_by = {
            labels: self._closed.labels(*labels) for labels in product(REASONS, PROTOCOLS[:2])
        }
        for limit in Limit:
            self.limits_reached.labels(limit.value)
        for result in ("ok", "refused"):
            self.reloads.labels(result)

    def closed(self, reason: str, protocol: str) -> None:
        """Count the end of an open tunnel. Raises KeyError for a protocol without tunnels."""
        self._closed_by[reason_label(reason), protocol].inc()

    def refused(self, reason: str, protocol: str) -> None:
        """Count a connection that did not become an open tunnel."""
        self._refused.labels(reason_label(reason), protocol).inc()

    def watch(self, samples: Callable[[], Iterable[Sample]]) -> None:
        """Call ``samples`` each time the metrics are read. Counters among them must not go back."""
        self._watched.sources.append(samples)

    async def read(self) -> bytes:
        """Return all metrics as they are now, with those of this process, as `text` does."""
        await asyncio.to_thread(self._process.look)  # it reads files of /proc
        return self.text()

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus (version 0.0.4)."""
        return generate_latest(self._registry)

    def _counter(self, name: str) -> Counter:
        metric = _METRIC_OF[name]
        return Counter(name, metric.meaning, metric.labels, registry=self._registry)

    def _histogram(self, name: str) -> Histogram:
        metric = _METRIC_OF[name]
        return Histogram(
            name, metric.meaning, metric.labels, registry=self._registry, buckets=metric.buckets
        )


def _background() -> Iterator[Sample]:
    for loop, count in failures():
        yield "tunnel_gateway_background_failures_total", (loop,), count


class _Watched(Collector):
    """Asks the watched functions each time the metrics are read."""

    def __init__(self) -> None:
        self.sources: list[Callable[[], Iterable[Sample]]] = []

    def collect(self) -> Iterator[Family]:
        families: dict[str, Any] = {}
        for samples in self.sources:
            for name, labels, value in samples():
                if name not in families:
                    families[name] = _family(_METRIC_OF[name])
                families[name].add_metric(labels, value)
        yield from families.values()


def _family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.meaning, labels=metric.labels)
