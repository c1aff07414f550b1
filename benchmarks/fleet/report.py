"""A run's outcome for people: a table of the phases, and what was lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from benchmarks.figures import percentile, short
from benchmarks.fleet.course import KILL, UPGRADE, UPGRADED, Outcome
from benchmarks.fleet.phases import Phase
from benchmarks.machine import Machine
from benchmarks.report import Row, markdown_table

BEGIN = "<!-- what follows is written by python -m benchmarks.fleet --publish -->"
END = "<!-- what came before is written by python -m benchmarks.fleet --publish -->"
_HEADING = (
    *("phase", "s", "open tunnels", "new ones", "failed", "slowest, s", "echoes/s"),
    *("p50 ms", "p99 ms", "CPU-s/s", "KiB/tunnel"),
)


def rows(outcome: Outcome) -> Iterator[Row]:
    """Yield the heading and a line for each phase."""
    yield [*_HEADING]
    for phase in outcome.phases:
        yield [
            phase.name,
            short(phase.seconds),
            _span(phase),
            f"{phase.made:,}",
            f"{phase.failed:,}",
            short(phase.slowest),
            short(len(phase.echoes) / phase.seconds),
            *(short(percentile(phase.echoes, one)) if phase.echoes else "" for one in (50, 99)),
            short(phase.cpu_seconds / phase.seconds),
            short(phase.memory_kib / phase.most),
        ]


def _span(phase: Phase) -> str:
    return f"{phase.most:,}" if phase.fewest == phase.most else f"{phase.fewest:,}..{phase.most:,}"


def totals(outcome: Outcome) -> list[str]:
    """Return what became of the tunnels, one sentence each."""
    quiet = outcome.lost(*(one.name for one in outcome.phases if one.name != KILL))
    return [
        f"tunnels lost by the upgrade: {outcome.lost(UPGRADE, UPGRADED):,}",
        f"tunnels that the old daemon had when it was asked to stop: {outcome.had_upgraded:,}",
        f"tunnels that were still with it at the end of the run: {outcome.kept_upgraded:,}",
        f"tunnels lost by the kill: {outcome.lost(KILL):,}, of its {outcome.had_killed:,}",
        f"tunnels lost in all other phases together: {quiet:,}",
        f"every user had a tunnel again {outcome.again_seconds:.1f} s after the kill",
    ]


def section(outcome: Outcome, machine: Machine, conditions: str) -> str:
    """Return the part of the document that a run writes."""
    about = (
        f"Measured on {datetime.now(UTC).date().isoformat()} on {machine.processor},"
        f" {machine.cores} cores, {machine.memory_gib} GiB, Linux {machine.linux};"
        f" Python {machine.python}, uvloop {machine.uvloop}. One run. {conditions}"
    )
    lost = "\n".join(f"* {one};" for one in totals(outcome)[:-1])
    return f"{about}\n\n{markdown_table(list(rows(outcome)))}\n\n{lost}\n* {totals(outcome)[-1]}."
