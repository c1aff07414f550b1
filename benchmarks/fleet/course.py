"""The course of a run: fill the fleet, upgrade one gateway, kill the other, bring it back."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet.load import Users
from benchmarks.fleet.machines import Fleet
from benchmarks.fleet.phases import Crowds, Phase, Watch
from benchmarks.places import Target
from benchmarks.programs import BenchmarkError
from benchmarks.systems import Laboratory

_OTHER_DESCRIPTORS = 500
_NOTICE_SECONDS = 2.0  # until every user knows that their tunnel is lost, and some more
_HEALTH_SECONDS = 6.0  # haproxy.cfg: inter 2s, rise 2, and one more


@dataclass(frozen=True, slots=True)
class Outcome:
    """The phases, and the number of tunnels that were kept and lost."""

    phases: list[Phase]
    had_upgraded: int  # tunnels of the old daemon when it was asked to stop
    kept_upgraded: int  # and at the end of the round
    had_killed: int
    again_seconds: float  # from the kill until every user had a tunnel

    def lost(self, *names: str) -> int:
        """Return how many tunnels broke off in these phases."""
        return sum(phase.lost for phase in self.phases if phase.name in names)


FILLING, BEFORE, UPGRADE, UPGRADED = "filling", "before", "during the upgrade", "after the upgrade"
KILL, BACK = "one is killed", "it is back"


def run(idle: int, busy: int, seconds: float) -> Outcome:
    """Run all phases; each takes ``seconds``, or as long as it needs."""
    _need_descriptors(idle + busy + _OTHER_DESCRIPTORS)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        laboratory = Laboratory(Path(folder))
        stack.callback(laboratory.close)
        fleet = Fleet(laboratory)
        targets = [Target("fleet", port, (), laboratory.credentials) for port in fleet.ports]
        crowds = (Users(idle, 0, visitors=True), Users(0, busy, visitors=False))
        users = stack.enter_context(Crowds(crowds, targets))
        return _Course(fleet, users, seconds).run()


def _need_descriptors(count: int) -> None:
    """Raise the soft limit; each process has one for each tunnel, or two for half of them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if count > most:
        raise BenchmarkError(f"{count} descriptors are needed and {most} allowed: see ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class _Course:
    def __init__(self, fleet: Fleet, users: Crowds, seconds: float) -> None:
        self._fleet = fleet
        self._users = users
        self._seconds = seconds
        self._old, self._doomed = fleet.first, fleet.second
        self._watch = Watch(users, [fleet.first, fleet.second])
        self._had_old = self._had_doomed = 0
        self._killed_at = self._again_seconds = 0.0

    def run(self) -> Outcome:
        phase, lasting = self._watch.phase, _lasting(self._seconds)
        phase(FILLING, lambda _: self._users.whole_since is not None)
        phase(BEFORE, lasting)
        phase(UPGRADE, lasting, self._upgrade)
        phase(UPGRADED, lasting)
        phase(KILL, self._all_again, self._kill)
        phase(BACK, _lasting(max(self._seconds, _HEALTH_SECONDS)), self._bring_back)
        return Outcome(
            self._watch.phases,
            self._had_old,
            self._old.tunnels(),
            self._had_doomed,
            self._again_seconds,
        )

    def _upgrade(self) -> None:
        new = self._fleet.start("gateway-1", "gateway-1-new")
        self._watch.gateways.append(new)
        self._had_old = self._old.tunnels()
        self._old.retire()

    def _kill(self) -> None:
        self._had_doomed = self._doomed.tunnels()
        self._watch.gateways.remove(self._doomed)
        self._killed_at = time.monotonic()
        self._doomed.kill()

    def _all_again(self, phase: Phase) -> bool:
        since = self._users.whole_since
        if since is None or since < self._killed_at or not phase.lost:
            return False
        self._again_seconds = since - self._killed_at
        return self._users.told_at > self._killed_at + _NOTICE_SECONDS

    def _bring_back(self) -> None:
        back = self._fleet.start("gateway-2", "gateway-2-again")
        self._watch.gateways.append(back)


def _lasting(seconds: float) -> Callable[[Phase], bool]:
    return lambda phase: phase.seconds >= seconds
