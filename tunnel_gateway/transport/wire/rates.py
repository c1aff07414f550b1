"""Token buckets: so much at a time, and so much a second in the long run.

Time is an argument, in seconds of any clock that does not go back.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """So much ``per_second`` in the long run, and ``burst`` at once; both more than zero."""

    per_second: float
    burst: float

    def times(self, factor: float) -> Rate:
        """Return a rate that is so many times as high."""
        return Rate(self.per_second * factor, self.burst * factor)


class TokenBucket:
    """The tokens that were taken and have not come back yet.

    Each call gives the rate. So a changed rate counts at once, and the bucket is only two numbers.
    """

    __slots__ = ("_at", "_taken")

    def __init__(self) -> None:
        self._taken = 0.0
        self._at = 0.0

    def take(self, rate: Rate, now: float, amount: float = 1.0) -> bool:
        """Take ``amount`` if it is there; within any time t never more than burst + rate · t."""
        if not self.has(rate, now, amount):
            return False
        self._taken += amount
        return True

    def has(self, rate: Rate, now: float, amount: float = 1.0) -> bool:
        """Tell whether ``amount`` is there, and take nothing."""
        self._settle(rate, now)
        return self._taken + amount <= rate.burst

    def spend(self, rate: Rate, now: float, amount: float) -> float:
        """Take ``amount``, there or not; return the seconds until what was not there has come."""
        self._settle(rate, now)
        self._taken += amount
        return max(0.0, self._taken - rate.burst) / rate.per_second

    def _settle(self, rate: Rate, now: float) -> None:
        self._taken = max(0.0, self._taken - max(0.0, now - self._at) * rate.per_second)
        self._at = now
