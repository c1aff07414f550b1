"""File descriptors: how many the configured tunnels take, and getting as many."""

from __future__ import annotations

import sys
from typing import Final

# A tunnel has two sockets. The others are for the listener, the log and files that are read.
_EACH: Final = 2
_BESIDE: Final = 100


def needed(tunnels: int) -> int:
    """Return how many descriptors a daemon with so many tunnels may need."""
    return tunnels * _EACH + _BESIDE


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
