"""How often a source may name a document that is not there.

An id has 32 bits. If a million documents are open, every 4,000th guess hits one. A hit helps nobody
without the right signature, but costs the work to check one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tunnel_gateway.rest.call import Caller
from tunnel_gateway.rest.source_buckets import SourceBuckets
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.transport.wire.rates import Rate

# A page that polls for a document that has ended makes some wrong guesses too.
RATE: Final = Rate(2, 100)


class Guesses:
    """Counts the wrong guesses of each source, in bounded memory. ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._sources = SourceBuckets(clock)

    def expect_few(self, caller: Caller) -> None:
        """Raise Refusal if the source of the caller has guessed wrong too often.

        The application asks for all its users, so it is not counted.
        """
        if not caller.own and not self._sources.has(caller.user, RATE):
            raise Refusal(
                Reason.TOO_MANY_CALLS,
                f"{caller.user} has named more than {RATE.burst:g} documents that are not there,"
                f" and may name {RATE.per_second:g} more each second",
            )

    def count(self, caller: Caller) -> None:
        """Count a wrong guess of the source of the caller."""
        if not caller.own:
            self._sources.take(caller.user, RATE)
