"""A token bucket for each source, in bounded memory.

A source is an address, or the /64 network of an IPv6 address: `tunnel_gateway.limits.sources`. The
source that was quiet for the longest time is forgotten first. A stranger who comes from many other
sources can bring that about, but gains nothing: each of them has its own burst.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from tunnel_gateway.limits.sources import REMEMBERED, source_of
from tunnel_gateway.transport.wire.rates import Rate, TokenBucket


class SourceBuckets:
    """The buckets of at most ``remembered`` sources. ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float], remembered: int = REMEMBERED) -> None:
        self._clock = clock
        self._remembered = remembered
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def has(self, address: str, rate: Rate) -> bool:
        """Tell whether the source of ``address`` could take a token now; it takes none."""
        bucket = self._buckets.get(source_of(address))
        return bucket is None or bucket.has(rate, self._clock())

    def take(self, address: str, rate: Rate, amount: float = 1.0) -> bool:
        """Take ``amount`` tokens of the source of ``address`` if they are there."""
        source = source_of(address)
        bucket = self._buckets.get(source)
        if bucket is None:
            bucket = self._buckets[source] = TokenBucket()
            if len(self._buckets) > self._remembered:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(source)
        return bucket.take(rate, self._clock(), amount)

    def charge(self, address: str, rate: Rate, amount: float) -> None:
        """Let the source of ``address`` owe ``amount`` more, if it is remembered."""
        bucket = self._buckets.get(source_of(address))
        if bucket is not None:
            bucket.spend(rate, self._clock(), amount)
