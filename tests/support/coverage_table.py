"""Coverage of each package as a table in Markdown: ``make coverage`` prints it.

    python -m tests.support.coverage_table REPORT

REPORT is what ``coverage json`` has written.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from tests.support.processes import PROJECT

NO_FOLDER = "single files"


@dataclass
class Covered:
    """Statements and branches of some files, and how many of them were run."""

    statements: int = 0
    statements_run: int = 0
    branches: int = 0
    branches_run: int = 0

    def add(self, summary: Mapping[str, int]) -> None:
        """Add what the report says of one file."""
        self.statements += summary["num_statements"]
        self.statements_run += summary["covered_lines"]
        self.branches += summary["num_branches"]
        self.branches_run += summary["covered_branches"]

    def row(self, name: str) -> str:
        """Return it as a row of the table."""
        lines = _percent(self.statements_run, self.statements)
        branches = _percent(self.branches_run, self.branches)
        return f"| {name} | {self.statements} | {lines} | {self.branches} | {branches} |"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def table(report: Mapping[str, Any]) -> str:
    """Return a row for each package, by its name, and one for all."""
    packages: defaultdict[str, Covered] = defaultdict(Covered)
    total = Covered()
    for path, file in report["files"].items():
        packages[package_of(path)].add(file["summary"])
        total.add(file["summary"])
    heading = "| package | statements | run | branches | taken |\n|---|---|---|---|---|"
    rows = [packages[name].row(name) for name in sorted(packages)]
    return "\n".join((heading, *rows, total.row("all")))


def package_of(path: str) -> str:
    """Return the package of a file: its first folder under tunnel_gateway/."""
    inside = PurePath(path).parts
    inside = inside[inside.index("tunnel_gateway") + 1 :]
    return inside[0] if len(inside) > 1 else NO_FOLDER


if __name__ == "__main__":
    print(table(json.loads((PROJECT / sys.argv[1]).read_text(encoding="utf-8"))))  # noqa: T201
