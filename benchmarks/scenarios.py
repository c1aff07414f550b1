"""The table of all scenarios: what is measured, in what, and on which systems."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from benchmarks import measures
from benchmarks.measures import Measure

ALL = ("relay", "gateway", "stunnel-gost", "stunnel-aes")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that is measured.

    ``figures`` are the names, units included, that ``measure`` returns. ``instances`` is how
    many daemons are started for it alone; 0 takes the one that runs all the time. ``background``
    names a load of benchmarks.background that a second process makes meanwhile. ``rounds``
    bounds how often it is repeated.
    """

    name: str
    what: str
    figures: tuple[str, ...]
    measure: Measure
    systems: tuple[str, ...] = ALL
    instances: int = 0
    background: str | None = None
    rounds: int = 100
    quick: bool = True


_BULK = ("MB/s", "CPU-s/GB")
_LATENCY = ("p50 µs", "p99 µs")

SCENARIOS = (
    Scenario("bulk-down", "bulk to the user, one tunnel", _BULK, measures.bulk_down),
    Scenario("bulk-up", "bulk from the user, one tunnel", _BULK, measures.bulk_up),
    Scenario("bulk-both", "bulk both ways at once, one tunnel", _BULK, measures.bulk_both),
    Scenario("echo-64", "echo of 64 B", _LATENCY, partial(measures.echo, 64)),
    Scenario("echo-1k", "echo of 1 KiB", _LATENCY, partial(measures.echo, 1024)),
    Scenario("echo-16k", "echo of 16 KiB", _LATENCY, partial(measures.echo, 16384)),
)
SCENARIO_OF = {scenario.name: scenario for scenario in SCENARIOS}
