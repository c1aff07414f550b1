"""``tunnel.admin.listen``: where the gateway answers its operators, and nobody else.

One to four addresses with commas between: ``unix:/PATH``, ``127.0.0.1:PORT``, ``[::1]:PORT``.
No other address of the machine will do. ``{instance}`` in an address stands for
TUNNEL_GATEWAY_INSTANCE of the environment, for several daemons with one configuration; without
the variable it stands for nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tunnel_gateway.config.values import PLACEHOLDER, Kind, join_host_and_port, with_instance
from tunnel_gateway.errors import FileError

_TCP = re.compile(r"(?P<host>127\.0\.0\.1|\[::1\]):(?P<port>[0-9]{1,5})", re.ASCII)
# sun_path of unix(7), less its NUL and what is added while the socket is made.
_MAX_PATH: Final = 90
_MAX_ADDRESSES: Final = 4
# Addresses of tunnel.listen.ip that take a port of the loopback too.
_TAKES: Final = {"127.0.0.1": ("127.0.0.1", "0.0.0.0", "::"), "::1": ("::1", "::")}  # noqa: S104


@dataclass(frozen=True, slots=True)
class AdminAddress:
    """A Unix socket's ``path``, or a ``host`` and ``port`` of the loopback."""

    path: Path | None = None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return join_host_and_port(self.host, self.port)


def parse_address(text: str) -> AdminAddress:
    """Return the address that ``text`` is; raises ValueError."""
    kind, _, path = text.partition(":")
    if kind == "unix":
        if not path.startswith("/") or len(path.encode()) > _MAX_PATH or not path.isprintable():
            raise ValueError
        return AdminAddress(path=Path(path))
    match = _TCP.fullmatch(text)
    if match is None or not 0 < int(match["port"]) < 1 << 16:
        raise ValueError
    return AdminAddress(host=match["host"].strip("[]"), port=int(match["port"]))


def addresses_of(
    texts: tuple[str, ...], environment: Mapping[str, str]
) -> tuple[AdminAddress, ...]:
    """Return the addresses with the name of the instance instead of ``{instance}``.

    Raises FileError if that makes no address.
    """
    addresses = []
    for text in texts:
        whole = with_instance(text, "tunnel.admin.listen", environment)
        try:
            addresses.append(parse_address(whole))
        except ValueError:
            raise FileError(f"tunnel.admin.listen: {whole!r} is not an address") from None
    return tuple(addresses)


def clash(
    texts: tuple[str, ...],
    listen_ip: str,
    listen_port: int,
    audit_file: Path | None,
    prefix: str = "tunnel.",
) -> str | None:
    """Return why these addresses clash with each other or with another setting, None if not.

    ``prefix`` is that of the keys which have set the other address and port.
    """
    addresses = [parse_address(text.replace(PLACEHOLDER, "1")) for text in texts]
    for address in addresses:
        if (
            address.path is None
            and address.port == listen_port
            and listen_ip in _TAKES[address.host]
        ):
            users = "tunnels" if prefix else "calls"
            return f"{address} is where {users} come to: {prefix}listen.ip and {prefix}listen.port"
    paths = [os.path.realpath(address.path) for address in addresses if address.path is not None]
    if len(set(paths)) < len(paths):
        return "two of them are the same socket"
    audit = None if audit_file is None else str(audit_file).replace(PLACEHOLDER, "1")
    if audit is not None and os.path.realpath(audit) in paths:
        return "it is also tunnel.audit.file"
    return None


def _read(text: str, _base: Path) -> tuple[str, ...]:
    texts = tuple(part.strip() for part in text.split(","))
    if len(texts) > _MAX_ADDRESSES or len(set(texts)) < len(texts):
        raise ValueError
    for part in texts:
        parse_address(part.replace(PLACEHOLDER, "1"))
    return texts


ADMIN: Final = Kind(
    "unix:/PATH, 127.0.0.1:PORT or [::1]:PORT, up to four with commas between",
    _read,
    brief="up to four of `unix:/PATH`, `127.0.0.1:PORT`, `[::1]:PORT`, with commas between",
)
