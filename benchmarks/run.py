"""One run: every system started once, every scenario on every system, round by round."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Self

from benchmarks import background, load
from benchmarks.figures import Figure
from benchmarks.measures import Figures, Scale
from benchmarks.places import Size, Target
from benchmarks.scenarios import Scenario
from benchmarks.systems import SYSTEM_OF, SYSTEMS, Laboratory

_SPAWN = get_context("spawn")
Key = tuple[str, str, str]  # scenario, figure, system


@dataclass(slots=True)
class Results:
    """All samples of a run, in the order they were taken."""

    samples: dict[Key, list[float]] = field(default_factory=dict)

    def add(self, scenario: str, system: str, figures: dict[str, float]) -> None:
        """Add one sample of each figure."""
        for name, value in figures.items():
            self.samples.setdefault((scenario, name, system), []).append(value)

    def figure(self, scenario: str, name: str, system: str) -> Figure | None:
        """Return what was measured, or None."""
        samples = self.samples.get((scenario, name, system))
        return Figure.of(samples) if samples else None


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement of a plan."""

    round: int
    scenario: Scenario
    system: str


def plan(scenarios: Sequence[Scenario], rounds: int) -> list[Step]:
    """Return the steps in order.

    The systems take turns within a scenario and the scenarios within a round, so what disturbs
    the machine for a while falls on all of them; every second round goes backwards.
    """
    steps: list[Step] = []
    for number in range(rounds):
        order = 1 if number % 2 == 0 else -1
        steps += [
            Step(number, scenario, system)
            for scenario in scenarios
            if number < scenario.rounds
            for system in scenario.systems[::order]
        ]
    return steps


def run(steps: Sequence[Step], scale: Scale, tell: Callable[[int, Step], None]) -> Results:
    """Do all steps; ``tell`` gets the number of each and the step before it is done."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    results = Results()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        laboratory = Laboratory(Path(folder))
        stack.callback(laboratory.close)
        used = {step.system for step in steps if step.scenario.size is None}
        targets = {
            system.name: system.start(laboratory, Size()).target
            for system in SYSTEMS
            if system.name in used
        }
        loader = stack.enter_context(ProcessPoolExecutor(1, mp_context=_SPAWN))
        others = stack.enter_context(Background())
        for number, step in enumerate(steps):
            tell(number, step)
            scenario = step.scenario
            with (
                _target(laboratory, step, targets) as target,
                others.load(scenario.background, target) as meanwhile,
            ):
                measured = loader.submit(load.measure, scenario.name, target, scale).result()
            results.add(scenario.name, step.system, measured | meanwhile)
    return results


class Background:
    """The process of the load that others make meanwhile. Use as a context manager."""

    def __init__(self) -> None:
        self._ready, self._stop = _SPAWN.Event(), _SPAWN.Event()
        self._process = ProcessPoolExecutor(
            1, _SPAWN, initializer=background.prepare, initargs=(self._ready, self._stop)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._process.shutdown()

    @contextmanager
    def load(self, name: str | None, target: Target) -> Iterator[Figures]:
        """Make the load ``name``, if any, during the block, and fill in its figures at the end."""
        meanwhile: Figures = {}
        if name is None:
            yield meanwhile
            return
        self._ready.clear()
        self._stop.clear()
        running = self._process.submit(background.run, name, target)
        while not self._ready.wait(0.05):
            if running.done():
                running.result()  # raises why
        yield meanwhile
        self._stop.set()
        meanwhile |= running.result()


@contextmanager
def _target(laboratory: Laboratory, step: Step, running: dict[str, Target]) -> Iterator[Target]:
    if step.scenario.size is not None:
        started = SYSTEM_OF[step.system].start(laboratory, step.scenario.size)
        with started as target:
            yield target
    else:
        yield running[step.system]
