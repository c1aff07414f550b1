"""The command line: the only place that prints for people or exits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    import argparse

# Exit codes, the same in all commands; argparse itself exits with 2 for wrong usage.
DONE: Final = 0
FAILED: Final = 1
LOOK: Final = 3  # nothing is wrong that stops anything, and somebody should look

# argparse has no public name for the type that add_subparsers() returns.
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
