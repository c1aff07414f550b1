"""``config.properties`` -> frozen dataclasses, with every fault named by file, line and key.

The file is a Java properties file, the same one that the vendor's server reads: the vendor's
``tunnel.`` keys mean what they mean there, ours stand beside them, and keys without the prefix
(the rest of the vendor's file) are left alone. Each part of the file has its own table of keys and
its own reader: daemon_settings.py is for the whole daemon, tunnel.py for the tunnels.

The format leaves some questions open. The answers here are:

* The text is UTF-8 (a byte order mark is skipped), or ISO-8859-1, as in Java, if it is not valid
  UTF-8. ``\\uXXXX`` escapes and lines continued with a backslash work in both.
* Relative paths start at the folder of the configuration file, wherever the program was started.
* White space around a value does not count, also around a password. An empty value is the default.
* A password that is not given may come from systemd: see config/credentials.py.
* Numbers are decimal digits, seconds may have a fraction: ``0.5``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tunnel_gateway.config.admin import clash
from tunnel_gateway.config.daemon_settings import DAEMON_KEYS, DaemonSettings, LogSettings
from tunnel_gateway.config.reading import check_paths, collect, grouped, read_values, unknown_key
from tunnel_gateway.config.text import read_entries, visible
from tunnel_gateway.config.tunnel import Config, TunnelReading, tunnel_keys
from tunnel_gateway.config.values import Entry
from tunnel_gateway.errors import ConfigError, Fault

_PREFIX: Final = "tunnel."
_DAEMON_KEYS: Final = [key.name for key in DAEMON_KEYS]


# The services that a file can turn on, with the key that does it.
SWITCHES: Final = {"tunnel": "tunnel.enabled"}


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings that the configuration ``file`` has: of the whole daemon, of the tunnels."""

    file: Path
    daemon: DaemonSettings
    tunnel: Config

    @property
    def services(self) -> frozenset[str]:
        """The names of the services that the file turns on."""
        return frozenset({"tunnel"} if self.tunnel.enabled else ())


def load_configuration(path: Path) -> Configuration:
    """Read and check the configuration file at ``path``.

    With ``tunnel.enabled=no`` the files and the destinations may be missing: nothing will use
    them. Raises ConfigError with every fault of the file at once.
    """
    reading = _Reading(path)
    if reading.tunnel.values["enabled"] is not False:
        reading.tunnel.check()
        reading.check()
    if reading.faults:
        raise ConfigError(sorted(reading.faults, key=lambda fault: fault.line or 0))
    values = grouped(reading.values)
    daemon = DaemonSettings(log=LogSettings(**values.pop("log")), **values)
    return Configuration(path, daemon, reading.tunnel.config())


def load_admin_listen(path: Path) -> tuple[tuple[str, ...] | None, list[Fault]]:
    """Return tunnel.admin.listen alone, None if it is not set, and the faults of the file.

    Commands that ask a running gateway need only this key. The rest of the file may have faults by
    now, and the files that it names are not read. Raises ConfigError if the file cannot be read.
    """
    reading = _Reading(path)
    return reading.values["admin_listen"], reading.faults


class _Reading:
    """One pass over one file: its entries by key, the values of its parts by field, its faults."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.faults: list[Fault] = []
        self._entries = collect(self._ours(), _unknown, self.faults)
        self.values = read_values(DAEMON_KEYS, self._entries, path.parent, self.faults)
        self.tunnel = TunnelReading(self._entries, path, self.faults)
        enabled = self._entries.get("tunnel.enabled")
        if enabled is None or not enabled.value:
            line = enabled.line if enabled else None
            fault = Fault("must be given, yes or no", str(path), line, "tunnel.enabled")
            self.faults.append(fault)

    def _ours(self) -> Iterator[Entry]:
        for entry in read_entries(self._path, self.faults):
            if entry.key.startswith(_PREFIX):
                yield entry
            elif visible(entry.key).startswith(_PREFIX):
                self.faults.append(entry.fault(f"unknown key; did you mean {visible(entry.key)}?"))

    def check(self) -> None:
        """Fault what only the whole file, or the machine, can tell of the daemon's part."""
        check_paths(DAEMON_KEYS, self.values, self._entries, self._path, self.faults)
        addresses, audit_file = self.values["admin_listen"], self.values["audit_file"]
        ip, port = (self.tunnel.values[name] for name in ("listen.ip", "listen.port"))
        if not addresses or ip is None or port is None:
            return
        if problem := clash(addresses, ip, port, audit_file):
            self.faults.append(self._entries["tunnel.admin.listen"].fault(problem))


def _unknown(entry: Entry) -> str | None:
    known = (*_DAEMON_KEYS, *tunnel_keys(entry))
    if entry.key in known:
        return None
    return unknown_key(entry.key, [key.removeprefix(_PREFIX) for key in known], _PREFIX)
