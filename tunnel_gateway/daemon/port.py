"""The port of a service: trying it, and what to change if the system refuses it."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.transport.streams.listener import bound_socket

_FIRST_UNPRIVILEGED: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
# The kernel's default, for a machine without /proc.
_USUAL_FIRST: Final = 1024


class AddressInUseError(CannotListenError):
    """A process listens there already. It may be the gateway that `check` is about."""


@dataclass(frozen=True, slots=True)
class Port:
    """The address and port of a service. ``shared``: daemons of the same user may share them.

    ``keys`` is the beginning of the keys that set them, and ``unit`` is the socket unit with which
    systemd can hold them.
    """

    ip: str
    port: int
    shared: bool
    keys: str
    unit: str

    def __str__(self) -> str:
        return f"{self.ip}, port {self.port}"

    def refusal(self, error: OSError) -> CannotListenError:
        """Return an error that says what to change, for the system's error at this port."""
        port = self.port
        if error.errno == errno.EADDRINUSE:
            return AddressInUseError(
                f"{error.strerror}; `ss -ltnp sport = :{port}` tells what listens there. If several"
                f" daemons share the port, each needs {self.keys}.reuseport=yes and the same user"
            )
        # The system looks an IPv6 address with an unknown zone up as a name, and does not find it.
        if error.errno in (errno.EADDRNOTAVAIL, socket.EAI_NONAME):
            return CannotListenError(
                f"{error.strerror}; {self.keys}.ip must be an address of this machine; 0.0.0.0 or"
                " :: means all its addresses"
            )
        if isinstance(error, PermissionError) and port < _first_unprivileged():
            return CannotListenError(
                f"{error.strerror}; a port below {_first_unprivileged()} needs a privilege. Let"
                f" systemd listen ({self.unit} with ListenStream=0.0.0.0:{port}), or give the"
                " service AmbientCapabilities= and CapabilityBoundingSet=CAP_NET_BIND_SERVICE with"
                f" PrivateUsers=no, or set the sysctl net.ipv4.ip_unprivileged_port_start={port}"
            )
        return CannotListenError(f"{error.strerror}")

    def attempt(self) -> None:
        """Take the port as `serve` would, and give it back at once, without a connection.

        Raises AddressInUseError, CannotListenError.
        """
        try:
            bound_socket(self.ip, self.port, shared=self.shared).close()
        except OSError as error:
            raise self.refusal(error) from None


def _first_unprivileged() -> int:
    with suppress(OSError, ValueError):
        return int(_FIRST_UNPRIVILEGED.read_text(encoding="ascii"))
    return _USUAL_FIRST
