"""Samples and what is made of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of several rounds, and the smallest and the largest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Self:
        """Make one of at least one sample."""
        return cls(statistics.median(samples), min(samples), max(samples))

    def __str__(self) -> str:
        if self.low == self.high:
            return short(self.median)
        return f"{short(self.median)} ({short(self.low)}..{short(self.high)})"


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the smallest sample that so many percent of all do not exceed (nearest rank)."""
    ordered = sorted(samples)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(int(rank), 1) - 1]


def short(value: float) -> str:
    """Write a number with three digits that count, and thousands apart: 1,419 35.2 0.48."""
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"
