"""The tunnels' part of ``config.properties``: the keys of keys.py, and the destinations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from tunnel_gateway.config.destinations import (
    NUMBERS,
    Destination,
    is_known,
    read_destinations,
)
from tunnel_gateway.config.destinations import PARTS as DESTINATION_PARTS
from tunnel_gateway.config.destinations import PREFIX as DESTINATION_PREFIX
from tunnel_gateway.config.keys import KEY_OF, KEYS
from tunnel_gateway.config.reading import check_paths, grouped, read_values
from tunnel_gateway.config.values import STP_MODES, Allowance, Entry, Network
from tunnel_gateway.errors import Fault


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """Where tunnels come to."""

    ip: str
    port: int
    reuseport: bool


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """How many of everything, from all sources together; 0 is any number."""

    handshakes: int
    tunnels: int
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
class StpSettings:
    """Whether clients may speak STP, in which modes, and for which domain if several fit."""

    enabled: bool
    modes: frozenset[str]
    domain: str | None


_GROUPS = {
    "listen": ListenSettings,
    "limits": LimitSettings,
    "sources": SourceSettings,
    "relay": RelaySettings,
    "revocation": RevocationSettings,
    "fleet": FleetSettings,
    "stp": StpSettings,
}


@dataclass(frozen=True, slots=True)
class Config:
    """The tunnels' part; `KEYS` has the meaning of each field. Times are seconds."""

    enabled: bool
    listen: ListenSettings
    proxy_from: tuple[Network, ...] | None
    servers_dir: Path
    servers_password: bytes | None = field(repr=False)
    truststore_file: Path
    truststore_password: bytes | None = field(repr=False)
    intermediates_dir: Path | None
    http_pages: bool
    handshake_timeout: float
    limits: LimitSettings
    sources: SourceSettings
    relay: RelaySettings
    workers: int | None
    upgrade_timeout: float
    connect_timeout: float
    revocation: RevocationSettings
    fleet: FleetSettings
    stp: StpSettings
    destinations: Mapping[str, Destination]


def tunnel_keys(entry: Entry) -> tuple[str, ...]:
    """Return the keys that ``entry`` may have been meant for, in this part of the file.

    Among them is the ``entry``'s own key only if it is one.
    """
    dst_id = entry.key.removeprefix(DESTINATION_PREFIX).partition(".")[0]
    dst_id = dst_id if entry.key.startswith(f"{DESTINATION_PREFIX}{dst_id}.") else "0"
    parts = (f"{DESTINATION_PREFIX}{dst_id}.{part}" for part in DESTINATION_PARTS)
    own = (entry.key,) if is_known(entry.key) else ()
    return (*own, *KEY_OF, *parts)


class TunnelReading:
    """The ``entries`` of a ``file`` that begin with ``tunnel.``; ``values`` are by field."""

    def __init__(self, entries: Mapping[str, Entry], file: Path, faults: list[Fault]) -> None:
        self._entries = entries
        self._file = file
        self._faults = faults
        self.values = read_values(KEYS, entries, file.parent, faults)
        self._destinations = read_destinations(entries.values(), faults)

    def check(self) -> None:
        """Fault what only the whole part, or the machine, can tell."""
        check_paths(KEYS, self.values, self._entries, self._file, self._faults)
        if self.values["revocation.crl_dir"] and self.values["revocation.mode"] == "off":
            text = "has no effect without tunnel.revocation=hard or soft"
            self._faults.append(self._entries["tunnel.crl.dir"].fault(text))
        self._check_stp()
        if not any(name.startswith(DESTINATION_PREFIX) for name in self._entries):
            text = (
                "no destination is given: set tunnel.destination.0.host and .port to the address"
                " of the WebSocket API"
            )
            self._faults.append(Fault(text, str(self._file)))

    def _check_stp(self) -> None:
        if not self.values["stp.enabled"]:
            text = "has no effect without tunnel.stp=yes"
            modes = STP_MODES.read(KEY_OF["tunnel.stp.modes"].default, Path())
            usual = {"modes": modes, "domain": None}
            for name, value in usual.items():
                if self.values[f"stp.{name}"] not in (value, None):
                    self._faults.append(self._entries[f"tunnel.stp.{name}"].fault(text))
        elif not any(self._destinations[name].stp for name in NUMBERS & self._destinations.keys()):
            text = (
                "no destination for these clients: STP knows only numbers from 0 to 255, and"
                " tunnel.destination.N.stp=no keeps it away"
            )
            self._faults.append(self._entries["tunnel.stp"].fault(text))

    def config(self) -> Config:
        """Return the settings. If there are faults, it must not be called."""
        values = grouped(self.values)
        groups = {name: make(**values.pop(name)) for name, make in _GROUPS.items()}
        return Config(destinations=MappingProxyType(self._destinations), **values, **groups)
