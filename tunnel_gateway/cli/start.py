"""The first steps of the program, before it loads its modules; loading takes half a second.

* Closed descriptors 0 to 2 are opened. Otherwise the first sockets would get these numbers, and
  libuv ends the process (SIGABRT) rather than close one of them.
* SIGHUP is blocked, so that the system keeps it. `serve` or `agent` takes it later; any other
  command is ended by it, as usual.
* In the first process of a container (PID 1) SIGTERM has no default action and would be lost
  (pid_namespaces(7)). So it ends the process, until the program handles it.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

_STANDARD = range(3)
_INIT = 1
_SHELLS_ADD = 128


def start() -> int:
    """Run ``tunnel-gateway`` and return its exit code."""
    _open_standard_streams()
    _hold_signals()
    # This is what takes so long.
    from tunnel_gateway.cli.main import main  # noqa: PLC0415
    from tunnel_gateway.cli.uncaught import write_uncaught  # noqa: PLC0415

    write_uncaught()
    return main()


def _open_standard_streams() -> None:
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            os.set_inheritable(descriptor, True)
    # Python sets these to None if the descriptor was closed at the start.
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def _hold_signals() -> None:
    if sys.platform == "win32":
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    if os.getpid() == _INIT:
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, _: FrameType | None) -> None:
    os._exit(_SHELLS_ADD + number)
