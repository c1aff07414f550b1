"""How often a source may name a document that is not there.

An id has 32 bits. If a million documents are open, every 4,000th guess hits one. A hit helps nobody
without the right signature, but costs the work to check one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tunnel_gateway.rest.source_buckets import SourceBuckets
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.transport.wire.rates import Rate

# A page that polls for a document that has ended makes some wrong guesses too.
RATE: Final = Rate(2, 100)


class Guesses:
    """Counts the wrong guesses of each source, in bounded memory. ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._sources = SourceBuckets(clock)

    def expect_few(self, source: str) -> None:
        """Raise Refusal if the address ``source`` has guessed wrong too often."""
        if not self._sources.has(source, RATE):
            raise Refusal(
                Reason.TOO_MANY_CALLS,
                f"{source} has named more than {RATE.burst:g} documents that are not there, and"
                f" may name {RATE.per_second:g} more each second",
            )

    def count(self, source: str) -> None:
        """Count a wrong guess of the address ``source``."""
        self._sources.take(source, RATE)
