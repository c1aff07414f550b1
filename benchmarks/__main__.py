"""``python -m benchmarks``: measure this gateway and its peers on this machine."""

from __future__ import annotations

import argparse
import sys

from benchmarks.machine import this_machine
from benchmarks.measures import FULL, QUICK
from benchmarks.programs import BenchmarkError
from benchmarks.progress import Progress
from benchmarks.publish import publish
from benchmarks.report import rows, text_table
from benchmarks.run import plan, run
from benchmarks.scenarios import SCENARIO_OF, SCENARIOS

_DESCRIPTION = """\
Measure this gateway, a plain relay and stunnel with GOST and with AES, in turns on this machine,
and print a table: the median of each figure with the smallest and the largest of all rounds, and
the gateway's median as a multiple of two others. docs/performance.md says what each figure means.
"""
_ROUNDS, _QUICK_ROUNDS = 5, 2


def main() -> int:
    """Run and print; 1 when a system could not be started or broke off."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.publish and (arguments.quick or arguments.only):
        parser.error("only a whole run is published: leave out --quick and --only")
    scenarios = [
        one
        for one in SCENARIOS
        if (one.name in arguments.only if arguments.only else one.quick or not arguments.quick)
    ]
    rounds = arguments.rounds or (_QUICK_ROUNDS if arguments.quick else _ROUNDS)
    steps = plan(scenarios, rounds)
    progress = Progress(len(steps))
    try:
        results = run(steps, QUICK if arguments.quick else FULL, progress)
        progress.end()
        print(text_table(list(rows(results))))
        if arguments.publish:
            publish(results, this_machine(), rounds)
    except BenchmarkError as error:
        progress.end()
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=_DESCRIPTION,
        epilog="scenarios: " + ", ".join(SCENARIO_OF),
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer and shorter rounds, for a first look")
    add("--only", nargs="+", choices=SCENARIO_OF, metavar="NAME", help="only these scenarios")
    add(
        "--rounds",
        type=_count,
        metavar="N",
        help=f"how often everything is measured (default: {_ROUNDS}, quick {_QUICK_ROUNDS})",
    )
    add(
        "--publish",
        action="store_true",
        help="write the results into benchmarks/results, docs/charts and docs/performance.md",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"not a number of rounds: {text!a}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
