"""``python -m benchmarks``: measure this gateway and its peers on this machine."""

from __future__ import annotations

import argparse
import sys

from benchmarks.measures import FULL, QUICK
from benchmarks.programs import BenchmarkError
from benchmarks.progress import Progress
from benchmarks.report import rows, text_table
from benchmarks.run import plan, run
from benchmarks.scenarios import SCENARIO_OF, SCENARIOS


def main() -> int:
    """Run and print; 1 when a system could not be started or broke off."""
    arguments = _parser().parse_args()
    names = arguments.only or [one.name for one in SCENARIOS if one.quick or not arguments.quick]
    scenarios = [one for one in SCENARIOS if one.name in names]
    steps = plan(scenarios, arguments.rounds or (2 if arguments.quick else 5))
    progress = Progress(len(steps))
    try:
        results = run(steps, QUICK if arguments.quick else FULL, progress)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    progress.end()
    print(text_table(list(rows(results))))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer and shorter rounds, for a first look")
    add("--only", nargs="+", choices=SCENARIO_OF, metavar="NAME", help="only these scenarios")
    add("--rounds", type=int, metavar="N", help="how often everything is measured")
    return parser


if __name__ == "__main__":
    sys.exit(main())
