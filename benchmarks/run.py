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

from benchmarks import load
from benchmarks.figures import Figure
from benchmarks.measures import Scale
from benchmarks.places import Target
from benchmarks.scenarios import Scenario
from benchmarks.systems import SYSTEM_OF, SYSTEMS, Laboratory

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
        used = {step.system for step in steps if not step.scenario.instances}
        targets = {
            system.name: stack.enter_context(system.start(laboratory, 1))
            for system in SYSTEMS
            if system.name in used
        }
        loader = stack.enter_context(_process())
        for number, step in enumerate(steps):
            tell(number, step)
            with _target(laboratory, step, targets) as target:
                figures = loader.submit(load.measure, step.scenario.name, target, scale).result()
            results.add(step.scenario.name, step.system, figures)
    return results


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


@contextmanager
def _target(laboratory: Laboratory, step: Step, running: dict[str, Target]) -> Iterator[Target]:
    if step.scenario.instances:
        started = SYSTEM_OF[step.system].start(laboratory, step.scenario.instances)
        with started as target:
            yield target
    else:
        yield running[step.system]
