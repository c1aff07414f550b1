"""The constants that every process of a run needs, and the target of a load."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
DOMAIN = "example.uz"
DESTINATION = "far"
USER = "citizen"
NATIVE = "gateway-native"  # the gateway with the client of benchmarks.near
STP = "gateway-stp"  # the same by STP, the protocol of E-IMZO
STP_DESTINATION = "0"  # STP knows numbers only


@dataclass(frozen=True, slots=True)
class Target:
    """A running system as the load sees it.

    ``port`` is where connections go: plain ones, or tunnels of our protocol when there are
    ``credentials``, the folder that ``tunnel-gateway pki init`` made. ``pids`` are the daemons
    whose cost is counted.
    """

    system: str
    port: int
    pids: tuple[int, ...]
    credentials: Path | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """How many daemons of a system share its port, and how many threads carry bytes in each."""

    daemons: int = 1
    workers: int | None = None  # as many as there are cores

    @property
    def is_usual(self) -> bool:
        """Tell whether this is what every system can have: one daemon as it comes."""
        return self == Size()


def free_port() -> int:
    """Return a port of the loopback that nobody uses now."""
    with socket.socket() as one:
        one.bind((LOOPBACK, 0))
        port: int = one.getsockname()[1]
        return port
