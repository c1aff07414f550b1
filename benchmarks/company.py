"""How much others had of the machine during a run."""

from __future__ import annotations

import os
import time

from benchmarks.counters import machine_cpu_seconds


class Company:
    """From when it was made until it is asked; our processes must have ended by then."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0]
        self._wall = time.monotonic()
        self._others = _others()

    def __str__(self) -> str:
        cores = (_others() - self._others) / (time.monotonic() - self._wall)
        return (
            f"The load average was {self._load:.1f} before it began; programs of others took"
            f" {max(cores, 0.0):.1f} of {len(os.sched_getaffinity(0))} cores meanwhile."
        )


def _others() -> float:
    times = os.times()
    ours = times.user + times.system + times.children_user + times.children_system
    return machine_cpu_seconds() - ours
