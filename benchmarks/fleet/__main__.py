"""``python -m benchmarks.fleet``: a fleet under load, upgraded and killed."""

from __future__ import annotations

import argparse
import sys

from benchmarks.company import Company
from benchmarks.fleet.course import run
from benchmarks.fleet.report import BEGIN, END, rows, section, totals
from benchmarks.machine import this_machine
from benchmarks.programs import BenchmarkError
from benchmarks.publish import DOCUMENT, write_section
from benchmarks.report import text_table

_DESCRIPTION = """\
Two gateways behind two HAProxies on this machine, full of tunnels. One gateway is replaced by a new
daemon on its port, the other one is killed and brought back; users who lose a tunnel make a new
one. Prints figures for each phase; docs/performance.md says what they mean.
"""
_IDLE, _BUSY, _SECONDS, _ROUNDS = 10_000, 500, 15.0, 3


def main() -> int:
    """Run and print; 1 when something could not be started or broke off."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=_DESCRIPTION)
    add = parser.add_argument
    add("--idle", type=_count, default=_IDLE, help=f"idle tunnels (default: {_IDLE:,})")
    add("--busy", type=_count, default=_BUSY, help=f"busy tunnels (default: {_BUSY})")
    add("--seconds", type=float, default=_SECONDS, help=f"of a phase (default: {_SECONDS:g})")
    add(
        "--rounds",
        type=_count,
        default=_ROUNDS,
        help=f"rounds, each with new programs (default: {_ROUNDS})",
    )
    add("--publish", action="store_true", help=f"write the results into {DOCUMENT}")
    given = parser.parse_args()
    company = Company()
    outcomes = []
    try:
        for number in range(given.rounds):
            print(f"round {number + 1} of {given.rounds}", file=sys.stderr)
            outcomes.append(run(given.idle, given.busy, given.seconds))
        print(text_table(list(rows(outcomes))), *totals(outcomes), sep="\n")
        conditions = (
            f"{given.idle:,} idle tunnels and {given.busy:,} busy ones, rounds: {given.rounds}."
            f" {company}"
        )
        print(conditions)
        if given.publish:
            write_section(section(outcomes, this_machine(), conditions), BEGIN, END)
    except BenchmarkError as error:
        print(f"benchmarks.fleet: {error}", file=sys.stderr)
        return 1
    return 0


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"not a number above zero: {text!a}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
