"""File descriptors: how many the configured tunnels take, and getting as many."""

from __future__ import annotations

import sys
from typing import Final

# A tunnel has two sockets; the rest is the listener, the log and what loading opens.
_EACH: Final = 2
_BESIDE: Final = 100


def needed(tunnels: int) -> int:
    """Return how many descriptors a daemon with so many tunnels may come to need."""
    return tunnels * _EACH + _BESIDE


def most() -> int:
    """Return the hard limit, up to which a process may raise its own; -1 for none."""
    if sys.platform == "win32":
        return -1
    import resource  # noqa: PLC0415 - Windows has none, and the agent runs there

    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def ask_for(count: int) -> None:
    """Raise the soft limit to ``count``, as far as the hard one lets.

    A service manager's system call filter may forbid it; its limit then holds as it is.
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
