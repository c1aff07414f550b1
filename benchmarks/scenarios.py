"""The table of all scenarios: what is measured, in what, and on which systems."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from benchmarks import measures, tunnels
from benchmarks.measures import Measure
from benchmarks.places import NATIVE, STP, Size

ALL = ("relay", "gateway", NATIVE, STP, "stunnel-gost", "stunnel-aes")
# The client beside the load is one user.
OF_MANY_USERS = tuple(system for system in ALL if system not in (NATIVE, STP))


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that is measured.

    ``figures`` are the names, units included, that ``measure`` returns. With a ``size`` it has
    daemons of its own; without, it takes those that run all the time. ``background`` names a load
    of benchmarks.background that a second process makes meanwhile. ``rounds`` bounds how often it
    is repeated.
    """

    name: str
    what: str
    figures: tuple[str, ...]
    measure: Measure
    systems: tuple[str, ...] = ALL
    size: Size | None = None
    background: str | None = None
    rounds: int = 100
    quick: bool = True


_BULK = ("MB/s", "CPU-s/GB")
_LATENCY = ("p50 µs", "p99 µs")
_MAKING = ("CPU-ms", "tunnels/s")
_BESIDE = partial(measures.echo, 64, share=0.2)
# The peers have a thread for each tunnel; five thousand are left to the others.
SPREAD = {
    count: tuple(system for system in ALL if system != STP)
    if count <= 1000
    else ("relay", "gateway", NATIVE)
    for count in (1, 10, 100, 1000, 5000)
}

SCENARIOS = (
    Scenario("bulk-down", "bulk to the user, one tunnel", _BULK, measures.bulk_down),
    Scenario("bulk-up", "bulk from the user, one tunnel", _BULK, measures.bulk_up),
    Scenario("bulk-both", "bulk both ways at once, one tunnel", _BULK, measures.bulk_both),
    Scenario("echo-64", "echo of 64 B", _LATENCY, partial(measures.echo, 64)),
    Scenario("echo-1k", "echo of 1 KiB", _LATENCY, partial(measures.echo, 1024)),
    Scenario("echo-16k", "echo of 16 KiB", _LATENCY, partial(measures.echo, 16384)),
    Scenario(
        "new-first",
        "new tunnel, user never seen before",
        _MAKING,
        tunnels.first_visits,
        systems=OF_MANY_USERS,
    ),
    Scenario("new-again", "new tunnel, user seen before", _MAKING, tunnels.returning_users),
    Scenario(
        "echo-storm",
        "echo of 64 B while others make tunnels, at half of the full rate",
        (*_LATENCY, "tunnels/s meanwhile"),
        _BESIDE,
        background="storm",
    ),
    Scenario(
        "echo-bulk",
        "echo of 64 B beside bulk of another user, at half of the full rate",
        (*_LATENCY, "MB/s meanwhile"),
        _BESIDE,
        background="bulk",
    ),
    Scenario(
        "echo-reload",
        "echo of 64 B while the gateway reads its files again and again",
        (*_LATENCY, "reloads/s meanwhile"),
        _BESIDE,
        systems=("gateway", NATIVE),
        background="reload",
    ),
    Scenario("idle", "memory of an idle tunnel", ("KiB",), tunnels.idle, size=Size(), rounds=3),
    *(
        Scenario(
            f"spread-{count}",
            f"16 KiB pieces in turn to tunnels: {count:,}",
            ("CPU-s/GB", "MB/s"),
            partial(tunnels.spread, count),
            systems=systems,
            rounds=3 if count <= 100 else 2,
            quick=count <= 1000,
        )
        for count, systems in SPREAD.items()
    ),
    *(
        Scenario(
            f"daemons-{count}",
            f"16 tunnels at once, daemons on the port: {count}",
            (*_BULK, *_MAKING),
            tunnels.several,
            systems=("gateway",),
            size=Size(daemons=count, workers=1),
            rounds=3,
        )
        for count in (1, 2)
    ),
    *(
        Scenario(
            f"workers-{count}",
            f"16 tunnels at once, threads that carry them: {count}",
            (*_BULK, *_MAKING),
            tunnels.several,
            systems=("gateway", NATIVE),
            size=Size(workers=count),
            rounds=3,
        )
        for count in (1, 2)
    ),
)
SCENARIO_OF = {scenario.name: scenario for scenario in SCENARIOS}
