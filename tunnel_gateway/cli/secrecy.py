"""Protection of a process that holds keys for long: no core dump, no reading by others."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from typing import Final

# Set it to use a debugger of the same user; a debugger of root needs no permission.
INSPECTABLE: Final = "TUNNEL_GATEWAY_INSPECTABLE"

_PR_SET_DUMPABLE: Final = 4  # prctl(2)


def keep_memory_private() -> None:
    """Keep other processes of the same user from reading this memory, and prevent core dumps.

    Call it before any key is read. Only Linux protects against other processes: the kernel then
    gives the files of /proc/PID to root. A debugger with the right to trace still sees everything,
    and the process can still read its own files. With INSPECTABLE set nothing happens.
    """
    if os.environ.get(INSPECTABLE):
        return
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - Windows has none

        # Where this is refused, the call below still protects a process on Linux.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
