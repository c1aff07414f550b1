"""The figures of each phase, from the processes of the load and from the kernel."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from typing import Self, cast

from benchmarks.counters import cpu_seconds, memory_kib
from benchmarks.fleet.load import Account, Users, run
from benchmarks.fleet.machines import Gateway
from benchmarks.places import Target
from benchmarks.programs import BenchmarkError

_SPAWN = get_context("spawn")
_LONGEST_SECONDS = 900.0
_LINE_SECONDS = 5.0
_POLL_SECONDS = 0.1


@dataclass(slots=True)
class Phase:
    """The figures of a phase: of the users, and of the gateways that ran."""

    name: str
    seconds: float = 0.0
    fewest: int = 0  # users who had their tunnel
    most: int = 0
    made: int = 0
    failed: int = 0
    lost: int = 0
    slowest: float = 0.0
    echoes: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    memory_kib: int = 0  # beyond what the gateways take when they are empty
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, account: Account) -> None:
        """Add what a process told."""
        self.made += account.made
        self.failed += account.failed
        self.lost += account.lost
        self.slowest = max(self.slowest, account.slowest)
        self.echoes += account.echoes
        self.reasons += account.reasons


class Crowds:
    """The processes of the load. Use as a context manager."""

    def __init__(self, crowds: Sequence[Users], targets: Sequence[Target]) -> None:
        self.staying = sum(users.staying for users in crowds)
        self._stack = ExitStack()
        self._last: dict[connection.Connection, Account] = {}
        for users in crowds:
            ours, theirs = _SPAWN.Pipe(duplex=False)
            process = _SPAWN.Process(target=run, args=(users, targets, theirs), daemon=True)
            process.start()
            theirs.close()
            self._last[ours] = Account()
            self._stack.callback(process.join)
            self._stack.callback(process.kill)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def open(self) -> int:
        """How many users have their tunnel, as last told."""
        return sum(account.staying for account in self._last.values())

    @property
    def whole_since(self) -> float | None:
        """Since when (time.monotonic) all of them have it; None when they have not."""
        times = [account.whole_since for account in self._last.values()]
        return None if None in times else max(one for one in times if one is not None)

    @property
    def told_at(self) -> float:
        """How old (time.monotonic) the oldest is of what the processes told last."""
        return min(account.at for account in self._last.values())

    def accounts(self) -> Iterable[Account]:
        """Wait a moment and yield what was told."""
        for one in connection.wait(list(self._last), _POLL_SECONDS):
            told = cast("connection.Connection", one)
            try:
                account = self._last[told] = told.recv()
            except EOFError:
                raise BenchmarkError("a process of the load has ended by itself") from None
            yield account


class Watch:
    """Sees the phases through, one after the other."""

    def __init__(self, crowds: Crowds, gateways: list[Gateway]) -> None:
        self.phases: list[Phase] = []
        self._crowds = crowds
        self.gateways = (
            gateways  # those that run; the code that starts or ends one changes the list
        )
        self._cpu: dict[int, float] = {}
        self._started = time.monotonic()

    def phase(self, name: str, done: Callable[[Phase], bool], *events: Callable[[], None]) -> Phase:
        """Let ``events`` happen, and gather figures until the phase is ``done``."""
        phase = Phase(name, fewest=self._crowds.open, most=self._crowds.open)
        self._processor_time()
        began = told = time.monotonic()
        for event in events:
            phase.cpu_seconds += self._processor_time()  # of a gateway that the event may end
            event()
        ended = math.inf
        # The accounts of its last moments come after its end.
        while self._crowds.told_at < ended:
            for account in self._crowds.accounts():
                phase.add(account)
                phase.fewest = min(phase.fewest, self._crowds.open)
                phase.most = max(phase.most, self._crowds.open)
            phase.seconds = time.monotonic() - began
            if ended == math.inf and done(phase):
                ended = time.monotonic()
            if time.monotonic() - told > _LINE_SECONDS:
                told = time.monotonic()
                self._tell(phase)
            if phase.seconds > _LONGEST_SECONDS:
                raise BenchmarkError(f"{name}: no end in {phase.seconds:.0f} s; {phase.reasons}")
        phase.cpu_seconds += self._processor_time()
        phase.memory_kib = sum(memory_kib([one.pid]) - one.empty_kib for one in self.gateways)
        self._tell(phase)
        self.phases.append(phase)
        return phase

    def _processor_time(self) -> float:
        """Return what the gateways have needed since the last time."""
        needed = 0.0
        for one in self.gateways:
            with suppress(OSError):  # it has ended by itself
                now = cpu_seconds([one.pid])
                needed += now - self._cpu.get(one.pid, 0.0)
                self._cpu[one.pid] = now
        return needed

    def _tell(self, phase: Phase) -> None:
        sys.stderr.write(
            f"{time.monotonic() - self._started:5.0f} s  {phase.name}: "
            f"{self._crowds.open:,} of {self._crowds.staying:,} tunnels open, "
            f"{phase.made:,} made, {phase.failed:,} failed, {phase.lost:,} lost\n"
        )
        sys.stderr.flush()
