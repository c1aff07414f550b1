"""A command of the program: its name, its help, and the function that runs it."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tunnel_gateway.cli import Subparsers


def add_command(
    commands: Subparsers,
    name: str,
    summary: str,
    description: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    """Register a command and return its parser. ``run`` returns the exit code.

    ``commands`` is what ``add_subparsers`` of argparse returned. ``--help`` shows the
    ``description`` with its lines as they are.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser
