"""Listening sockets that systemd made and passed to this process: sd_listen_fds(3)."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from typing import Final

from tunnel_gateway.errors import CannotListenError

# The first descriptor that is passed; the others follow it.
_FIRST: Final = 3
# The gateway takes a port and up to four admin sockets; a large number is a mistake.
_MAX_SOCKETS: Final = 16
_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def passed_sockets(
    environment: MutableMapping[str, str] | None = None, first: int = _FIRST
) -> dict[str, socket.socket]:
    """Take the sockets that were passed, by the FileDescriptorName= of each.

    The variables are removed from ``environment``, so that a second call returns nothing. Raises
    CannotListenError if one is not a listening TCP socket, and for a name that comes twice.
    """
    variables = os.environ if environment is None else environment
    pid, count, names = (variables.pop(name, "") for name in _VARIABLES)
    if pid != str(os.getpid()) or not count.isdecimal():
        return {}
    if int(count) > _MAX_SOCKETS:
        raise CannotListenError(f"systemd passed {count} sockets, and {_MAX_SOCKETS} are allowed")
    each = names.split(":") if names else []
    each += ["unknown"] * (int(count) - len(each))
    for name in each:
        if each.count(name) > 1:
            raise CannotListenError(
                f"systemd passed two sockets named {name!r}: a socket unit of this service has one"
                " ListenStream= and a FileDescriptorName= of its own"
            )
    descriptors = range(first, first + int(count))
    return {
        name: _checked(descriptor, name)
        for descriptor, name in zip(descriptors, each, strict=False)
    }


def _checked(descriptor: int, name: str) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        listening = socket.socket(fileno=descriptor)
    except OSError as error:
        raise CannotListenError(
            f"the descriptor that systemd passed as {name!r} is not a socket: {error.strerror}"
        ) from None
    tcp = (
        listening.family in (socket.AF_INET, socket.AF_INET6)
        and listening.proto == socket.IPPROTO_TCP
    )
    if not tcp or not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listening.detach()  # it is not ours to close
        raise CannotListenError(
            f"the socket that systemd passed as {name!r} is not a listening TCP socket: its socket"
            " unit needs ListenStream= with a port, and Accept=no"
        )
    listening.setblocking(False)
    return listening
