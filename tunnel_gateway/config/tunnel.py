"""``config.properties`` -> frozen dataclasses, with every fault named by file, line and key.

The file is a Java properties file, the same one that the vendor's server reads: the vendor's
``tunnel.`` keys mean what they mean there, ours stand beside them, and keys without the prefix
(the rest of the vendor's file) are left alone. `KEYS` of keys.py is the one table of the simple
keys; destinations.py reads the destinations.

The format leaves some questions open. The answers here are:

* The text is UTF-8 (a byte order mark is skipped), or ISO-8859-1, as in Java, if it is not valid
  UTF-8. ``\\uXXXX`` escapes and lines continued with a backslash work in both.
* Relative paths start at the folder of the configuration file, wherever the program was started.
* White space around a value does not count, also around a password. An empty value is the default.
* A password that is not given may come from systemd: see config/credentials.py.
* Numbers are decimal digits, seconds may have a fraction: ``0.5``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from tunnel_gateway.config.admin import clash
from tunnel_gateway.config.credentials import credential
from tunnel_gateway.config.destinations import PARTS as DESTINATION_PARTS
from tunnel_gateway.config.destinations import PREFIX as DESTINATION_PREFIX
from tunnel_gateway.config.destinations import Destination, is_known, read_destinations
from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.keys import KEY_OF, KEYS
from tunnel_gateway.config.reading import check_paths, collect, grouped, read_value, unknown_key
from tunnel_gateway.config.text import read_entries, visible
from tunnel_gateway.config.values import Allowance, Entry, Network
from tunnel_gateway.errors import ConfigError, Fault

_PREFIX = "tunnel."


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """Where tunnels come to."""

    ip: str
    port: int
    reuseport: bool


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """How many of everything, from all sources together. ``memory`` is in MiB; 0 is any number."""

    handshakes: int
    tunnels: int
    memory: int
    certificate: int


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """How many of everything one source address may have; 0 is any number."""

    rate: int
    burst: int
    handshakes: int
    tunnels: int
    networks: tuple[Allowance, ...]


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """How long an open tunnel lasts, and how many bytes a second it carries; 0 means no bound."""

    lifetime: float
    bandwidth: int
    idle_timeout: float
    half_close_timeout: float


@dataclass(frozen=True, slots=True)
class RevocationSettings:
    """Whether users are looked up as revoked, and where."""

    mode: Literal["off", "soft", "hard"]
    timeout: float
    recheck: float
    cache_dir: Path | None
    crl_dir: Path | None


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """The Redis in which many gateways count together."""

    redis: str | None
    password: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How the log is written."""

    format: Literal["auto", "console", "json"]
    level: Literal["debug", "info", "warning", "error"]
    personal: Literal["masked", "full"]


_GROUPS = {
    "listen": ListenSettings,
    "limits": LimitSettings,
    "sources": SourceSettings,
    "relay": RelaySettings,
    "revocation": RevocationSettings,
    "fleet": FleetSettings,
    "log": LogSettings,
}


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; `KEYS` has the meaning of each field. Times are seconds."""

    enabled: bool
    listen: ListenSettings
    proxy_from: tuple[Network, ...] | None
    servers_dir: Path
    servers_password: bytes | None = field(repr=False)
    truststore_file: Path
    truststore_password: bytes | None = field(repr=False)
    http_pages: bool
    handshake_timeout: float
    limits: LimitSettings
    sources: SourceSettings
    relay: RelaySettings
    upgrade_timeout: float
    connect_timeout: float
    drain_timeout: float
    reload_interval: float
    revocation: RevocationSettings
    fleet: FleetSettings
    admin_listen: tuple[str, ...] | None
    log: LogSettings
    audit_file: Path | None
    destinations: Mapping[str, Destination]

    def value(self, field: str) -> Any:
        """Return the value of a field of `KEYS`."""
        group, _, name = field.rpartition(".")
        return getattr(getattr(self, group) if group else self, name)


def load_config(path: Path) -> Config:
    """Read and check the configuration file at ``path``.

    With ``tunnel.enabled=no`` the files and the destinations may be missing: nothing will use
    them. Raises ConfigError with every fault of the file at once.
    """
    reading = _Reading(path)
    destinations = read_destinations(reading.entries.values(), reading.faults)
    if reading.values["enabled"] is not False:
        reading.check()
    if reading.faults:
        raise ConfigError(sorted(reading.faults, key=lambda fault: fault.line or 0))
    values = grouped(reading.values)
    groups = {name: make(**values.pop(name)) for name, make in _GROUPS.items()}
    return Config(destinations=MappingProxyType(destinations), **values, **groups)


def load_admin_listen(path: Path) -> tuple[tuple[str, ...] | None, list[Fault]]:
    """Return tunnel.admin.listen alone, None if it is not set, and the faults of the file.

    Commands that ask a running gateway need only this key. The rest of the file may have faults by
    now, and the files that it names are not read. Raises ConfigError if the file cannot be read.
    """
    reading = _Reading(path)
    read_destinations(reading.entries.values(), reading.faults)
    return reading.values["admin_listen"], reading.faults


class _Reading:
    """One pass over one file: its entries by key, its values by field, its faults."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.faults: list[Fault] = []
        ours = (entry for entry in read_entries(path, self.faults) if self._is_ours(entry))
        self.entries = collect(ours, _unknown, self.faults)
        self.values = {key.field: self._value(key) for key in KEYS}

    def _is_ours(self, entry: Entry) -> bool:
        if entry.key.startswith(_PREFIX):
            return True
        if visible(entry.key).startswith(_PREFIX):
            self.faults.append(entry.fault(f"unknown key; did you mean {visible(entry.key)}?"))
        return False

    def _value(self, key: Key) -> Any:
        entry = self.entries.get(key.name)
        if password := credential(key.name, key.kind, entry, self.faults):
            return password
        if key.name == "tunnel.enabled" and (entry is None or not entry.value):
            self._fault("must be given, yes or no", entry.line if entry else None, key.name)
        return read_value(key, entry, self._path.parent, self.faults)

    def _fault(self, message: str, line: int | None = None, key: str | None = None) -> None:
        self.faults.append(Fault(message, str(self._path), line, key))

    def check(self) -> None:
        """Fault what only the whole file, or the machine, can tell."""
        check_paths(KEYS, self.values, self.entries, self._path, self.faults)
        if self.values["revocation.crl_dir"] and self.values["revocation.mode"] == "off":
            entry = self.entries["tunnel.crl.dir"]
            text = "has no effect without tunnel.revocation=hard or soft"
            self.faults.append(entry.fault(text))
        self._check_admin()
        if not any(name.startswith(DESTINATION_PREFIX) for name in self.entries):
            self._fault(
                "no destination is given: set tunnel.destination.0.host and .port to the address"
                " of the WebSocket API"
            )

    def _check_admin(self) -> None:
        """Fault an admin address that something else of the file takes."""
        taken = (self.values[name] for name in ("listen.ip", "listen.port", "audit_file"))
        listen_ip, listen_port, audit_file = taken
        addresses = self.values["admin_listen"]
        if not addresses or listen_ip is None or listen_port is None:
            return
        if problem := clash(addresses, listen_ip, listen_port, audit_file):
            self.faults.append(self.entries["tunnel.admin.listen"].fault(problem))


def _unknown(entry: Entry) -> str | None:
    if entry.key in KEY_OF or is_known(entry.key):
        return None
    dst_id = entry.key.removeprefix(DESTINATION_PREFIX).partition(".")[0]
    dst_id = dst_id if entry.key.startswith(f"{DESTINATION_PREFIX}{dst_id}.") else "0"
    known = [*KEY_OF, *(f"{DESTINATION_PREFIX}{dst_id}.{part}" for part in DESTINATION_PARTS)]
    return unknown_key(entry.key, [key.removeprefix(_PREFIX) for key in known], _PREFIX)
