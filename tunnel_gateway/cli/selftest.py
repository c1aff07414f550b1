"""``tunnel-gateway selftest``: test the cryptography with known answers, and show each result."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Final

from tunnel_gateway.cli import Subparsers
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.gost import known_answers

_HELP: Final = """\
Test the cryptography with published answers, and print each result: exit 0 if every answer is
right, 1 if one is wrong. The gateway does the same test at every start, and does not run if an
answer is wrong.

examples:
  tunnel-gateway selftest
  tunnel-gateway selftest --json | jq '.known_answers[] | select(.passed | not)'
"""
_GREEN: Final = "\x1b[32m"
_RED: Final = "\x1b[1;31m"
_PLAIN: Final = "\x1b[0m"


def add_parser(subparsers: Subparsers) -> None:
    """Register ``selftest``; its ``run`` returns the exit code."""
    parser = add_command(
        subparsers,
        "selftest",
        "check the cryptography of this machine against published answers",
        _HELP,
        run,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the results; return 0 if every known answer came out, else 1."""
    results = list(known_answers.run(known_answers.KNOWN_ANSWERS))
    failed = sum(not result.passed for result in results)
    if args.json:
        shown = {"passed": not failed, "known_answers": [asdict(result) for result in results]}
        print(json.dumps(shown, indent=2))
    else:
        _print_lines(results, failed, coloured=sys.stdout.isatty())
    return 1 if failed else 0


def _print_lines(results: list[known_answers.Result], failed: int, *, coloured: bool) -> None:
    width = max(len(result.name) for result in results)
    for result in results:
        word = _coloured(result.passed, "passed" if result.passed else "FAILED", coloured=coloured)
        print(f"{word}  {result.name:{width}}  {result.source}")
    if failed:
        summary = f"{failed} of {len(results)} known answers came out wrong: do not use this build"
    else:
        summary = f"all {len(results)} known answers came out"
    print(_coloured(not failed, summary, coloured=coloured))


def _coloured(good: bool, text: str, *, coloured: bool) -> str:
    return f"{_GREEN if good else _RED}{text}{_PLAIN}" if coloured else text
