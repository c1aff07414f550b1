"""File descriptors: how many the configured services take, and getting as many."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# For the listeners, the log and files that are read.
_BESIDE: Final = 100


@dataclass(frozen=True, slots=True)
class Needed:
    """The descriptors of a service: ``each`` for each of the ``count`` that the ``key`` allows.

    Its threads take ``beside`` more.
    """

    key: str
    count: int
    each: int
    beside: int = 0


def total(services: Iterable[Needed]) -> int:
    """Return how many descriptors a daemon with these services may need."""
    return sum(one.count * one.each + one.beside for one in services) + _BESIDE


def most() -> int:
    """Return the hard limit, up to which a process may raise its own limit; -1 for no limit."""
    if sys.platform == "win32":
        return -1
    import resource  # noqa: PLC0415 - Windows does not have it, and the agent runs there

    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def ask_for(count: int) -> None:
    """Raise the soft limit to ``count``, or to the hard limit if that is lower.

    The system call filter of a service manager may forbid this. Then the limit stays as it is.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except PermissionError:
        return
