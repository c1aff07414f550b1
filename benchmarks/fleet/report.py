"""The results of some rounds, for people: a table of the phases, and the lost tunnels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from benchmarks.figures import Figure, percentile
from benchmarks.fleet.course import KILL, UPGRADE, UPGRADED, Outcome
from benchmarks.fleet.phases import Phase
from benchmarks.machine import Machine
from benchmarks.report import Row, markdown_table

BEGIN = "<!-- what follows is written by python -m benchmarks.fleet --publish -->"
END = "<!-- what came before is written by python -m benchmarks.fleet --publish -->"

_FIGURES: tuple[tuple[str, Callable[[Phase], float]], ...] = (
    ("echoes/s", lambda phase: len(phase.echoes) / phase.seconds),
    ("p50 ms", lambda phase: _milliseconds(phase, 50)),
    ("p99 ms", lambda phase: _milliseconds(phase, 99)),
    ("slowest new, s", lambda phase: phase.slowest),
    ("gateway CPU-s/s", lambda phase: phase.cpu_seconds / phase.seconds),
    ("KiB/tunnel", lambda phase: phase.memory_kib / phase.most),
)


def rows(outcomes: Sequence[Outcome]) -> Iterator[Row]:
    """Yield the heading and a line for each phase, of at least one round."""
    names = [name for name, _ in _FIGURES]
    yield ["phase", "s", "open tunnels", "new ones", "failed", *names]
    for phases in zip(*(outcome.phases for outcome in outcomes), strict=True):
        fewest, most = min(one.fewest for one in phases), max(one.most for one in phases)
        yield [
            phases[0].name,
            str(Figure.of([phase.seconds for phase in phases])),
            f"{most:,}" if fewest == most else f"{fewest:,}..{most:,}",
            _each([phase.made for phase in phases]),
            _each([phase.failed for phase in phases]),
            *(_figure([of(phase) for phase in phases]) for _, of in _FIGURES),
        ]


def _milliseconds(phase: Phase, percent: float) -> float:
    """Return a percentile of the echoes; not a number in a phase too short to have any."""
    return percentile(phase.echoes, percent) if phase.echoes else math.nan


def _figure(samples: Sequence[float]) -> str:
    return "-" if any(map(math.isnan, samples)) else str(Figure.of(samples))


def totals(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what became of the tunnels, in each round."""

    def each(of: Callable[[Outcome], int]) -> str:
        return _each([of(outcome) for outcome in outcomes])

    again = Figure.of([outcome.again_seconds for outcome in outcomes])
    return [
        f"tunnels lost by the upgrade: {each(lambda one: one.lost(UPGRADE, UPGRADED))}",
        f"tunnels of the old daemon when it had to stop: {each(lambda one: one.had_upgraded)}",
        f"of these, still open at the end of the round: {each(lambda one: one.kept_upgraded)}",
        f"tunnels of the daemon that was killed: {each(lambda one: one.had_killed)}",
        f"tunnels lost by the kill: {each(lambda one: one.lost(KILL))}",
        f"tunnels lost in all other phases: {each(_lost_otherwise)}",
        f"seconds from the kill until every user had a tunnel again: {again}",
    ]


def _lost_otherwise(outcome: Outcome) -> int:
    return outcome.lost(*(phase.name for phase in outcome.phases if phase.name != KILL))


def _each(counts: Sequence[int]) -> str:
    shown = counts[:1] if len(set(counts)) == 1 else sorted(counts)
    return " / ".join(f"{count:,}" for count in shown)


def section(outcomes: Sequence[Outcome], machine: Machine, conditions: str) -> str:
    """Return the part of the document that a run writes."""
    about = (
        f"Measured on {datetime.now(UTC).date().isoformat()} on {machine.processor},"
        f" {machine.cores} cores, {machine.memory_gib} GiB, Linux {machine.linux};"
        f" Python {machine.python}, uvloop {machine.uvloop}. {conditions}"
    )
    lost = "\n".join(f"* {one}" for one in totals(outcomes))
    return f"{about}\n\n{markdown_table(list(rows(outcomes)))}\n\n{lost}"
