"""The costs of a process, from the kernel."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from pathlib import Path


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of processes, user and system time, of all their threads.

    Threads that have ended are counted too. It is the process's own clock (clock_getcpuclockid(3)
    and the kernel's numbering of such clocks), in nanoseconds; /proc/PID/stat has the same figure
    in hundredths of a second. Raises OSError when a process is gone.
    """
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)


def machine_cpu_seconds() -> float:
    """Return the processor time of the whole machine (/proc/stat), without idle time."""
    first = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    user, nice, system, _, _, *interrupts = map(int, first.split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int, *, peak: bool = False) -> int:
    """Return the memory of a process with all that it maps, now or at the peak of its life.

    It is VmRSS or VmHWM of /proc/PID/status.
    """
    name = "VmHWM" if peak else "VmRSS"
    found = re.search(rf"^{name}:\s+(\d+)", _status(pid), re.MULTILINE)
    if found is None:
        raise ProcessLookupError(f"process {pid} has ended")
    return int(found[1]) * 1024


def memory_kib(pids: Iterable[int]) -> int:
    """Return the memory of processes in KiB, without files that other processes may share.

    It is RssAnon of /proc/PID/status, which any user may read: of a process that keeps others out
    of its memory (PR_SET_DUMPABLE) smaps_rollup is for root alone.
    """
    return sum(
        int(found[1])
        for pid in pids
        if (found := re.search(r"^RssAnon:\s+(\d+)", _status(pid), re.MULTILINE))
    )


def _status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
