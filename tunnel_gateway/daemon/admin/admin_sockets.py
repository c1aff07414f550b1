"""The sockets for operators: made with care for the file that they replace and for their mode."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from tunnel_gateway.config.admin import AdminAddress
from tunnel_gateway.daemon.admin.conventions import SERVER
from tunnel_gateway.daemon.port import AddressInUseError
from tunnel_gateway.errors import CannotListenError

# The owner and the group: the gateway's user, and operators whom somebody put into its group.
SOCKET_MODE: Final = 0o660
# Operators and their programs are few, and their connections are accepted at once.
_BACKLOG: Final = 16
# A gateway on this machine answers at once. Another program may never answer.
_ASK_SECONDS: Final = 2.0


class AdminSocket:
    """A listening socket, and its name in the file system if it has one."""

    def __init__(self, address: AdminAddress, listening: socket.socket) -> None:
        self.address = address
        self.listening = listening
        self._inode = address.path.lstat().st_ino if address.path else 0

    def remove_name(self) -> None:
        """Remove the name, unless another gateway has taken it over."""
        path = self.address.path
        with suppress(OSError):  # a name that stays is replaced at the next start
            if path is not None and path.lstat().st_ino == self._inode:
                path.unlink()


def listen(address: AdminAddress) -> AdminSocket:
    """Listen on ``address``; raises CannotListenError with what to change."""
    try:
        made = _listen_unix(address.path) if address.path else _listen_tcp(address)
        return AdminSocket(address, made)
    except OSError as error:
        raise _refusal(address, error) from None


def try_address(address: AdminAddress) -> None:
    """Listen on ``address`` for a moment, without taking its name; raises CannotListenError.

    AddressInUseError means that a gateway answers there. It may be the gateway that `check` is
    about.
    """
    try:
        if address.path is None:
            _listen_tcp(address).close()
            return
        _check_free(address.path)
        made, listening = _make_unix(address.path)
        listening.close()
        made.unlink()
    except OSError as error:
        if error.errno == errno.EADDRINUSE and _is_gateway(address):
            raise AddressInUseError(f"a gateway answers at {address}") from None
        raise _refusal(address, error) from None


def _is_gateway(address: AdminAddress) -> bool:
    asking = http.client.HTTPConnection(address.host, address.port, timeout=_ASK_SECONDS)
    try:
        asking.request("GET", "/healthz", headers={"Host": "localhost"})
        return asking.getresponse().headers["Server"] == SERVER
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


def _refusal(address: AdminAddress, error: OSError) -> CannotListenError:
    remedy = "choose a port that nothing else listens on"
    if address.path is not None:
        remedy = f"{address.path.parent} must be a folder in which the gateway's user may write"
    return CannotListenError(
        f"tunnel.admin.listen: cannot listen on {address}: {error.strerror}; {remedy}"
    )


def _listen_tcp(address: AdminAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind((address.host, address.port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _listen_unix(path: Path) -> socket.socket:
    """Make the socket beside ``path``, give it its mode, and move it to ``path`` in one step."""
    _check_free(path)
    made, listening = _make_unix(path)
    try:
        made.rename(path)
    except OSError:
        listening.close()
        with suppress(OSError):  # the first error says what is wrong
            made.unlink()
        raise
    return listening


def _make_unix(path: Path) -> tuple[Path, socket.socket]:
    """Listen beside ``path``; return the path of the socket, and the socket. Raises OSError."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        with suppress(FileNotFoundError):  # usually there is no file of a process of this number
            made.unlink()
        listening.bind(str(made))
        made.chmod(SOCKET_MODE)  # nobody can connect before it listens
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        with suppress(OSError):  # the first error says what is wrong
            made.unlink()
        raise
    return made, listening


def _check_free(path: Path) -> None:
    """Raise CannotListenError unless nothing is there, or a socket that nobody listens on."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise CannotListenError(
            f"tunnel.admin.listen: {path} is there and is not a socket; move it away"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)  # a full backlog means that somebody listens
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            return  # left behind by a process that was killed
        except BlockingIOError:
            pass
    raise AddressInUseError(
        f"tunnel.admin.listen: another gateway answers at {path}; give each its own, with"
        " {instance} in the path and TUNNEL_GATEWAY_INSTANCE in its environment"
    )
