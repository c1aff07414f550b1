"""``python -m benchmarks.rest``: the REST service beside BouncyCastle and OpenSSL."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Final

from benchmarks.company import Company
from benchmarks.machine import Machine, this_machine
from benchmarks.programs import BenchmarkError
from benchmarks.publish import DOCUMENT, write_section
from benchmarks.report import markdown_table, text_table
from benchmarks.rest.course import run
from benchmarks.rest.goals import Samples, missed, rows
from benchmarks.rest.scale import FULL, QUICK

_DESCRIPTION = """\
One daemon with the REST service, a small server in Java with BouncyCastle, and OpenSSL with its
GOST engine verify the same documents on this machine. Prints each figure with its target, and
which targets were missed; docs/performance.md says what the figures mean.
"""
_ROUNDS, _QUICK_ROUNDS = 5, 1
BEGIN: Final = "<!-- what follows is written by python -m benchmarks.rest --publish -->"
END: Final = "<!-- what came before is written by python -m benchmarks.rest --publish -->"


def main() -> int:
    """Run and print; 1 when something could not be started or broke off."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rest", description=_DESCRIPTION)
    add = parser.add_argument
    add("--quick", action="store_true", help="one short round, for a first look")
    add("--publish", action="store_true", help=f"write the results into {DOCUMENT}")
    given = parser.parse_args()
    if given.publish and given.quick:
        parser.error("only a whole run is published: leave out --quick")
    rounds = _QUICK_ROUNDS if given.quick else _ROUNDS
    company = Company()
    try:
        samples = run(QUICK if given.quick else FULL, rounds, _tell)
        conditions = str(company)
        print(text_table(list(rows(samples))), *missed(samples), conditions, sep="\n")
        if given.publish:
            write_section(section(samples, this_machine(), rounds, conditions), BEGIN, END)
    except BenchmarkError as error:
        print(f"benchmarks.rest: {error}", file=sys.stderr)
        return 1
    return 0


def section(samples: Samples, machine: Machine, rounds: int, conditions: str) -> str:
    """Return the part of the document that a run writes."""
    about = (
        f"Measured on {datetime.now(UTC).date().isoformat()} on {machine.processor},"
        f" {machine.cores} cores, {machine.memory_gib} GiB, Linux {machine.linux};"
        f" Python {machine.python}, OpenSSL {machine.openssl}, kernel {machine.kernel}."
        f" Each figure is the median of {rounds} rounds, with the smallest and the largest."
        f" {conditions}"
    )
    return f"{about}\n\n{markdown_table(list(rows(samples)))}"


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
