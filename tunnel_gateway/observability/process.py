"""The facts that the system knows of this process, from /proc (proc(5)) and getrusage(2)."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tunnel_gateway.observability.metric_table import Sample

PROC: Final = Path("/proc/self")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """Return the resident memory of this process: the second number of statm, see proc(5).

    0 if there is no /proc.
    """
    try:
        return int((PROC / "statm").read_text("ascii").split()[1]) * _PAGE
    except FileNotFoundError:
        return 0


def _of_proc() -> Iterator[Sample]:
    if memory := resident_bytes():
        yield "process_resident_memory_bytes", (), memory
    with suppress(FileNotFoundError):
        fds = os.listdir(PROC / "fd")  # noqa: PTH208 - no Path for each of many thousands
        yield "process_open_fds", (), len(fds) - 1  # without the descriptor of this listing


class Process:
    """The metrics of this process as they were at the last ``look``."""

    def __init__(self) -> None:
        # The process has just started, and /proc/stat may not be readable.
        self.started = time.time()
        self._samples: tuple[Sample, ...] = ()

    def look(self) -> None:
        """Take new samples. With many descriptors this takes milliseconds: not in an event loop."""
        self._samples = (
            ("process_start_time_seconds", (), self.started),
            ("process_cpu_seconds_total", (), time.process_time()),
            ("process_max_fds", (), resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
            *_of_proc(),
        )

    def samples(self) -> Iterable[Sample]:
        """Return the samples of the last ``look``, for ``Metrics.watch``."""
        return self._samples
