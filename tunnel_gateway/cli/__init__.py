"""The command line: the only place that prints for people or exits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

# Exit codes, the same in all commands.
DONE: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2  # argparse has it so
LOOK: Final = 3  # nothing is wrong that stops anything, and somebody should look

if TYPE_CHECKING:
    import argparse

    # argparse has no public name for the type that add_subparsers() returns.
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
