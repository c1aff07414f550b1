"""What the kernel says a process has cost."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of processes, user's and system's, of all their threads.

    Threads that have ended are counted too. It is the process's own clock (clock_getcpuclockid(3)
    and the kernel's numbering of such clocks), in nanoseconds; /proc/PID/stat has the same figure
    in hundredths of a second. Raises OSError when a process is gone.
    """
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)


def memory_kib(pids: Iterable[int]) -> int:
    """Return the memory of processes in KiB, pages that are shared counted in proportion."""
    return _sum("Pss", pids)


def anonymous_kib(pids: Iterable[int]) -> int:
    """Return the memory of processes in KiB without files: unchanged by who else shares these."""
    return _sum("Pss_Anon", pids)


def _sum(name: str, pids: Iterable[int]) -> int:
    return sum(
        int(found[1])
        for pid in pids
        if (found := re.search(rf"^{name}:\s+(\d+)", _rollup(pid), re.MULTILINE))
    )


def _rollup(pid: int) -> str:
    return Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
