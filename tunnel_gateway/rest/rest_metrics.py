"""The counts of calls and of challenges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from prometheus_client import Counter, Histogram

from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.rest.challenges import Challenges
from tunnel_gateway.rest.statuses import Status

_RESULTS: Final = ("given", "taken", "refused")


class _Counters(NamedTuple):
    calls: Counter
    seconds: Histogram
    received: Counter
    sent: Counter


class RestMetrics:
    """Counts calls by path and status. Paths come from the table of methods, not from strangers.

    ``memory_full`` counts the calls that are refused because the process has no more memory.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._calls = metrics.rest_calls
        self._seconds = metrics.rest_seconds
        self._received = metrics.rest_received
        self._sent = metrics.rest_sent
        self.challenges = metrics.rest_challenges
        self.mobile_documents = metrics.rest_mobile_documents
        self.memory_full = metrics.limits_reached.labels(Limit.MEMORY.value)
        # The counters of one path and status; the library takes longer to find them.
        self._found: dict[tuple[str, int], _Counters] = {}

    def know(self, paths: Iterable[str]) -> None:
        """Begin the counts at zero: without it, Prometheus would not see the first increase."""
        for path in paths:
            self._calls.labels(path, str(int(Status.SUCCESS)))
        for result in _RESULTS:
            self.challenges.labels(result)

    def answered(self, path: str, status: int, seconds: float, received: int, sent: int) -> None:
        """Count one call, with the bytes of its body and of its answer."""
        counters = self._found.get((path, status))
        if counters is None:
            counters = self._found[path, status] = _Counters(
                self._calls.labels(path, str(status)),
                self._seconds.labels(path),
                self._received.labels(path),
                self._sent.labels(path),
            )
        counters.calls.inc()
        counters.seconds.observe(seconds)
        if received:
            counters.received.inc(received)
        counters.sent.inc(sent)


class CountedChallenges:
    """Counts the challenges of ``store``."""

    def __init__(self, store: Challenges, metrics: RestMetrics) -> None:
        self._store = store
        self._given, self._taken, self._refused = map(metrics.challenges.labels, _RESULTS)

    async def give(self) -> str:
        """Return a new challenge. Raises Refusal."""
        challenge = await self._store.give()
        self._given.inc()
        return challenge

    async def knows(self, challenge: str) -> bool:
        """Tell whether the challenge is valid, and leave it so. Raises Refusal."""
        valid = await self._store.knows(challenge)
        if not valid:
            self._refused.inc()
        return valid

    async def take(self, challenge: str) -> bool:
        """Tell whether the challenge is valid, and use it up. Raises Refusal."""
        valid = await self._store.take(challenge)
        (self._taken if valid else self._refused).inc()
        return valid
