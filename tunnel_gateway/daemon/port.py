"""The port of a service: trying it, and what to change if the system refuses it."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from tunnel_gateway.config.tunnel import ListenSettings
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.transport.streams.listener import bound_socket

_FIRST_UNPRIVILEGED: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
# The kernel's default, for a machine without /proc.
_USUAL_FIRST: Final = 1024


class AddressInUseError(CannotListenError):
    """A process listens there already. It may be the gateway that `check` is about."""


def refusal(error: OSError, listen: ListenSettings) -> CannotListenError:
    """Return an error that says what to change, for the system's error at this address and port."""
    port = listen.port
    if error.errno == errno.EADDRINUSE:
        return AddressInUseError(
            f"{error.strerror}; `ss -ltnp sport = :{port}` tells what listens there. If several"
            " daemons share the port, each needs tunnel.listen.reuseport=yes and the same user"
        )
    # The system looks an IPv6 address with an unknown zone up as a name, and does not find it.
    if error.errno in (errno.EADDRNOTAVAIL, socket.EAI_NONAME):
        return CannotListenError(
            f"{error.strerror}; tunnel.listen.ip must be an address of this machine; 0.0.0.0 or ::"
            " means all its addresses"
        )
    if isinstance(error, PermissionError) and port < _first_unprivileged():
        return CannotListenError(
            f"{error.strerror}; a port below {_first_unprivileged()} needs a privilege. Let systemd"
            f" listen (tunnel-gateway.socket with ListenStream=0.0.0.0:{port}), or give the service"
            " AmbientCapabilities= and CapabilityBoundingSet=CAP_NET_BIND_SERVICE with"
            f" PrivateUsers=no, or set the sysctl net.ipv4.ip_unprivileged_port_start={port}"
        )
    return CannotListenError(f"{error.strerror}")


def try_port(listen: ListenSettings) -> None:
    """Take the port as `serve` would, and give it back at once, without accepting a connection.

    Raises AddressInUseError, CannotListenError.
    """
    try:
        bound_socket(listen.ip, listen.port, shared=listen.reuseport).close()
    except OSError as error:
        raise refusal(error, listen) from None


def _first_unprivileged() -> int:
    with suppress(OSError, ValueError):
        return int(_FIRST_UNPRIVILEGED.read_text(encoding="ascii"))
    return _USUAL_FIRST
