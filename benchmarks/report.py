"""The table that a run prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.figures import short
from benchmarks.run import Results
from benchmarks.scenarios import SCENARIOS
from benchmarks.systems import SYSTEMS

Row = list[str]
_RATIOS = (("relay", "to the relay"), ("stunnel-gost", "to stunnel GOST"))


def rows(results: Results) -> Iterator[Row]:
    """Yield the heading, then a line for each figure that was measured.

    The last columns are the gateway's median divided by that of another system.
    """
    yield ["", "figure", *(system.label for system in SYSTEMS), *(name for _, name in _RATIOS)]
    for scenario in SCENARIOS:
        for name in scenario.figures:
            found = {one.name: results.figure(scenario.name, name, one.name) for one in SYSTEMS}
            if any(found.values()):
                ours = found["gateway"]
                yield [
                    scenario.what,
                    name,
                    *(str(found[system.name] or "") for system in SYSTEMS),
                    *(
                        f"{short(ours.median / other.median)}×"
                        if ours and (other := found[system]) and other.median
                        else ""
                        for system, _ in _RATIOS
                    ),
                ]


def text_table(table: Sequence[Row]) -> str:
    """Lay a table out for a terminal."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if index < 2 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def markdown_table(table: Sequence[Row]) -> str:
    """Lay a table out for a document."""
    heading, *body = table
    rule = ["---" if index < 2 else "---:" for index in range(len(heading))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (heading, rule, *body))
