"""The memory of a process that holds keys for long: no core dump, no look from beside."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from typing import Final

# For a debugger of the user's own; root's needs no permission.
INSPECTABLE: Final = "TUNNEL_GATEWAY_INSPECTABLE"

_PR_SET_DUMPABLE: Final = 4  # prctl(2)


def keep_memory_private() -> None:
    """Let no other process of the same user read this one's memory, nor the system dump it.

    Before any key is read. On other systems than Linux there is no core dump, and no more.
    The kernel then gives the files of /proc/PID to root: who may trace still sees all of it, and
    the process itself what it needs of its own. Nothing happens where INSPECTABLE is set.
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
