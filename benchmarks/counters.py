"""What the kernel says a process has cost."""

from __future__ import annotations

import os
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


def machine_cpu_seconds() -> float:
    """Return the processor time of the whole machine (/proc/stat), idle and waiting left out."""
    first = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    user, nice, system, _, _, *interrupts = map(int, first.split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


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
