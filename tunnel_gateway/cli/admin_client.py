"""Asking a running gateway, at the address of tunnel.admin.listen."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import sys
from dataclasses import replace
from typing import Any, Final

from tunnel_gateway.cli.arguments import add_config
from tunnel_gateway.cli.say import say
from tunnel_gateway.config.admin import AdminAddress, addresses_of, parse_address
from tunnel_gateway.config.configuration import load_admin_listen
from tunnel_gateway.config.values import INSTANCE
from tunnel_gateway.daemon.admin.conventions import ACTION_HEADER, SERVER
from tunnel_gateway.errors import AdminError, ConfigError, Fault
from tunnel_gateway.observability.logs import escaped

# An operator needs this when the file is gone; the address is the one in the example.
_WITHOUT: Final = (
    "ask the running gateway without the file: --admin unix:/run/tunnel-gateway/admin.sock, or the"
    " path of its socket"
)
# The first request after a start measures rates for a second.
_SECONDS: Final = 10.0
# The lists in the status are bounded, and much smaller than this.
_MAX_ANSWER: Final = 4 * 1024 * 1024


def add_gateway_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which gateway is asked."""
    group = parser.add_mutually_exclusive_group()
    add_config(group.add_argument, "the gateway's configuration; its tunnel.admin.listen is asked")
    group.add_argument(
        "--admin",
        type=_address,
        metavar="ADDRESS",
        help="unix:/PATH, 127.0.0.1:PORT or [::1]:PORT, without any configuration",
    )
    parser.add_argument(
        "--instance",
        default=os.environ.get(INSTANCE, ""),
        metavar="NAME",
        help="which of several daemons, where the configuration has {instance}",
    )


def _address(text: str) -> AdminAddress:
    try:
        return parse_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected unix:/PATH, 127.0.0.1:PORT or [::1]:PORT, got {text!a}"
        ) from None


class AdminClient:
    """Asks at the address that the ``arguments`` give, the Unix socket if there is one.

    The constructor raises ConfigError and FileError, and AdminError if the configuration has no
    address. The other faults of the file are in ``faults``: the running gateway does not read
    them, but its next start or reload does.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.faults: list[Fault] = []
        self.address: AdminAddress = arguments.admin or self._configured(arguments)

    def tell_faults(self) -> None:
        """Print the faults of the file on disk to standard error."""
        for fault in self.faults:
            text = f"the file on disk has a fault, and a reload or restart would fail: {fault}"
            say(sys.stderr, f"tunnel-gateway: {escaped(text)}")

    def _configured(self, arguments: argparse.Namespace) -> AdminAddress:
        try:
            texts, self.faults = load_admin_listen(arguments.config)
        except ConfigError as error:
            last = error.faults[-1]
            last = replace(last, message=f"{last.message}; or {_WITHOUT}")
            raise ConfigError([*error.faults[:-1], last]) from None
        if texts is None:
            raise AdminError(
                f"{arguments.config} has no tunnel.admin.listen that can be used: set it, and"
                f" restart the gateway; or {_WITHOUT}"
            )
        addresses = addresses_of(texts, {INSTANCE: arguments.instance})
        return next((address for address in addresses if address.path is not None), addresses[0])

    def get(self, path: str) -> dict[str, Any]:
        """Return the JSON at ``path``; raises AdminError."""
        return self._ask("GET", path)[1]

    def post(self, path: str) -> tuple[int, dict[str, Any]]:
        """Ask for an action; return the HTTP status and the answer."""
        return self._ask("POST", path)

    def _ask(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        connection = _Connection(self.address)
        try:
            connection.request(method, path, headers={ACTION_HEADER: "command"})
            response = connection.getresponse()
            body = response.read(_MAX_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise AdminError(self._story(error)) from None
        finally:
            connection.close()
        if response.status == http.HTTPStatus.FORBIDDEN:
            text = body.decode(errors="replace").strip()
            raise AdminError(f"{self.address}: {text}")
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        # While the gateway is away, any program of the machine can take its port.
        if not isinstance(answer, dict) or response.headers["Server"] != SERVER:
            raise AdminError(
                f"the program that answers at {self.address} is not a gateway:"
                f" HTTP {response.status}"
            )
        return response.status, answer

    def _story(self, error: Exception) -> str:
        if isinstance(error, PermissionError):
            return (
                f"no permission for {self.address}: run this as root, or as a member of the group"
                " of that socket"
            )
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return (
            f"no gateway answers at {self.address} ({reason or type(error).__name__}): is it"
            " running, and is this its tunnel.admin.listen? Of several daemons, --instance names"
            " one"
        )


class _Connection(http.client.HTTPConnection):
    """http to an AdminAddress; no proxy is asked."""

    def __init__(self, address: AdminAddress) -> None:
        host = f"[{address.host}]" if ":" in address.host else address.host
        super().__init__(host or "localhost", address.port or None, timeout=_SECONDS)
        self._path = address.path

    def connect(self) -> None:
        if self._path is None:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(str(self._path))
