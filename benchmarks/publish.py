"""A run's results into the repository: JSON for programs, a table and charts for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.charts import Chart, bars, lines
from benchmarks.figures import Figure
from benchmarks.machine import Machine
from benchmarks.programs import ROOT, BenchmarkError
from benchmarks.report import markdown_table, rows
from benchmarks.run import Results
from benchmarks.scenarios import SPREAD
from benchmarks.systems import SYSTEMS

DOCUMENT = Path("docs/performance.md")
CHARTS = Path("docs/charts")
BEGIN = "<!-- what follows is written by python -m benchmarks --publish -->"
END = "<!-- what came before is written by python -m benchmarks --publish -->"

_LABELS = [system.label for system in SYSTEMS]
_BULK = {"bulk-down": "to the user", "bulk-up": "from the user", "bulk-both": "both ways"}
_ECHO = {"echo-64": "64 B", "echo-1k": "1 KiB", "echo-16k": "16 KiB"}
_MAKING = {"new-first": "user never seen before", "new-again": "user seen before"}
# File, title, figure, and the label of each scenario.
_BARS: tuple[tuple[str, str, str, Mapping[str, str]], ...] = (
    ("bulk", "Bulk through one tunnel, MB/s: more is better", "MB/s", _BULK),
    ("cost", "Daemon's processor time, seconds per GB: less is better", "CPU-s/GB", _BULK),
    ("echo-p50", "Echo, median, µs: less is better", "p50 µs", _ECHO),
    ("echo-p99", "Echo, 99th percentile, µs: less is better", "p99 µs", _ECHO),
    ("tunnels", "Daemon's CPU-ms for a new tunnel: less is better", "CPU-ms", _MAKING),
    ("memory", "KiB for an idle tunnel: less is better", "KiB", {"idle": "daemon's memory"}),
)


def publish(results: Results, machine: Machine, rounds: int, root: Path = ROOT) -> None:
    """Write everything below ``root``; raises BenchmarkError if the document lacks the marks."""
    charts = dict(draw(results))
    write_section(section(results, machine, rounds, sorted(charts)), root=root)
    path = root / "benchmarks" / "results" / f"{machine.slug}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_json(results, machine, rounds), encoding="utf-8")
    (root / CHARTS).mkdir(exist_ok=True)
    for name, chart in charts.items():
        (root / CHARTS / f"{name}.svg").write_text(chart, encoding="utf-8")


def as_json(results: Results, machine: Machine, rounds: int) -> str:
    """Return every sample of a run, with what it was made on."""
    figures = [
        {"scenario": scenario, "figure": name, "system": system, "samples": samples}
        for (scenario, name, system), samples in results.samples.items()
    ]
    head = {"machine": asdict(machine), "rounds": rounds, "date": _today()}
    return json.dumps(head | {"figures": figures}, indent=1, ensure_ascii=False) + "\n"


def draw(results: Results) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every chart that there are figures for."""
    for name, title, figure, scenarios in _BARS:
        groups: dict[str, list[Figure | None]] = {}
        for scenario, label in scenarios.items():
            group = [results.figure(scenario, figure, system.name) for system in SYSTEMS]
            if any(group):
                groups[label] = group
        if groups:
            yield name, bars(Chart(title, _LABELS), groups)
    spread = [
        {
            float(count): found
            for count in SPREAD
            if (found := results.figure(f"spread-{count}", "CPU-s/GB", system.name))
        }
        for system in SYSTEMS
    ]
    if any(spread):
        title = "Daemon's processor time as tunnels grow, seconds per GB: less is better"
        yield "spread", lines(Chart(title, _LABELS), spread)


def section(results: Results, machine: Machine, rounds: int, charts: list[str]) -> str:
    """Return the part of the document that a run writes."""
    about = (
        f"Measured on {_today()} on {machine.processor}, {machine.cores} cores,"
        f" {machine.memory_gib} GiB, Linux {machine.linux}; Python {machine.python},"
        f" uvloop {machine.uvloop}, OpenSSL {machine.openssl}, stunnel {machine.stunnel}, the"
        f" gateway's kernel {machine.kernel}. Each figure is the median of up to {rounds} rounds,"
        " with the smallest and the largest. Every sample is in"
        f" [the results](../benchmarks/results/{machine.slug}.json)."
    )
    pictures = "\n\n".join(f"![{name}](charts/{name}.svg)" for name in charts)
    return f"{about}\n\n{markdown_table(list(rows(results)))}\n\n{pictures}"


def write_section(text: str, begin: str = BEGIN, end: str = END, root: Path = ROOT) -> None:
    """Write ``text`` between two marks of the document; BenchmarkError if it lacks them."""
    document = root / DOCUMENT
    whole = replace_marked(document.read_text(encoding="utf-8"), text, begin, end)
    document.write_text(whole, encoding="utf-8")


def replace_marked(document: str, text: str, begin: str = BEGIN, end: str = END) -> str:
    """Return the document with ``text`` between two marks."""
    before, found, rest = document.partition(begin)
    _, last, after = rest.partition(end)
    if not found or not last:
        raise BenchmarkError(f"{DOCUMENT} lacks the marks between which results are written")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
