"""``config.properties`` -> frozen dataclasses, with every fault named by file, line and key.

The file is a Java properties file, the same one that the vendor's server reads: the vendor's
keys mean what they mean there, ours stand beside them, and keys with other prefixes are left
alone. Each part of the file has its own table of keys and its own reader: daemon_settings.py is for
the whole daemon, tunnel.py for the tunnels, rest.py for the REST service.

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
from tunnel_gateway.config.rest import RestConfig, RestReading, is_of_rest, rest_keys
from tunnel_gateway.config.text import read_entries, visible
from tunnel_gateway.config.tunnel import Config, TunnelReading, tunnel_keys
from tunnel_gateway.config.values import Entry
from tunnel_gateway.errors import ConfigError, Fault

_PREFIX: Final = "tunnel."
_DAEMON_KEYS: Final = [key.name for key in DAEMON_KEYS]


# The services that a file can turn on, with the key that does it.
REST_SWITCH: Final = "listen.port"
SWITCHES: Final = {"tunnel": "tunnel.enabled", "rest": REST_SWITCH}


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of the whole daemon and of its services, as the configuration ``file`` has them.

    ``rest`` is None if the file does not turn the REST service on.
    """

    file: Path
    daemon: DaemonSettings
    tunnel: Config
    rest: RestConfig | None = None

    @property
    def services(self) -> frozenset[str]:
        """The names of the services that the file turns on."""
        on = {"tunnel": self.tunnel.enabled, "rest": self.rest is not None}
        return frozenset(name for name, is_on in on.items() if is_on)


def load_configuration(path: Path) -> Configuration:
    """Read and check the configuration file at ``path``.

    With ``tunnel.enabled=no`` the files and the destinations may be missing: nothing will use
    them. Raises ConfigError with every fault of the file at once.
    """
    reading = _Reading(path)
    tunnels = reading.tunnel.values["enabled"] is not False
    if tunnels:
        reading.tunnel.check()
    if reading.has_rest:
        reading.rest.check()
    if tunnels or reading.has_rest:
        reading.check()
    if reading.faults:
        raise ConfigError(sorted(reading.faults, key=lambda fault: fault.line or 0))
    values = grouped(reading.values)
    daemon = DaemonSettings(log=LogSettings(**values.pop("log")), **values)
    return Configuration(path, daemon, reading.tunnel.config(), reading.rest.config())


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
        entries = list(read_entries(path, self.faults))
        self._tunnels_asked = any(map(_asks_about_tunnels, entries))
        self.has_rest = self._is_for_rest(entries)
        self._entries = collect(self._ours(entries), _unknown, self.faults)
        self.values = read_values(DAEMON_KEYS, self._entries, path.parent, self.faults)
        self.rest = RestReading(self._entries, path, self.faults)
        self.tunnel = TunnelReading(self._entries, path, self.faults)
        enabled = self._entries.get("tunnel.enabled")
        if enabled is not None and enabled.value:
            return
        if self.has_rest and not self._tunnels_asked:
            self.tunnel.values["enabled"] = False  # a file for the REST service alone
            if not self.rest.enabled:
                switch = self._entries.get(REST_SWITCH)
                text = "must be given: it turns the REST service on, for which this file has keys"
                line = switch.line if switch else None
                self.faults.append(Fault(text, str(path), line, REST_SWITCH))
            return
        line = enabled.line if enabled else None
        text = "must be given, yes or no"
        self.faults.append(Fault(text, str(path), line, "tunnel.enabled"))

    def _is_for_rest(self, entries: list[Entry]) -> bool:
        """Tell whether the file turns the REST service on, or has keys for nothing else."""
        if any(entry.key == REST_SWITCH and entry.value for entry in entries):
            return True
        switched = any(entry.key == "tunnel.enabled" and entry.value for entry in entries)
        asked = self._tunnels_asked or switched
        return not asked and any(is_of_rest(entry.key) for entry in entries)

    def _ours(self, entries: list[Entry]) -> Iterator[Entry]:
        for entry in entries:
            if entry.key.startswith(_PREFIX) or (self.has_rest and is_of_rest(entry.key)):
                yield entry
            elif visible(entry.key).startswith(_PREFIX):
                self.faults.append(entry.fault(f"unknown key; did you mean {visible(entry.key)}?"))

    def check(self) -> None:
        """Fault what only the whole file, or the machine, can tell of the daemon's part."""
        check_paths(DAEMON_KEYS, self.values, self._entries, self._path, self.faults)
        addresses, audit_file = self.values["admin_listen"], self.values["audit_file"]
        if not addresses:
            return
        for values, prefix in ((self.tunnel.values, _PREFIX), (self.rest.values, "")):
            ip, port = values["listen.ip"], values["listen.port"]
            if ip is None or port is None:
                continue
            if problem := clash(addresses, ip, port, audit_file, prefix):
                self.faults.append(self._entries["tunnel.admin.listen"].fault(problem))
                return


def _asks_about_tunnels(entry: Entry) -> bool:
    """Tell whether it is a key of the tunnels; those of the whole daemon do not count."""
    return entry.key.startswith(_PREFIX) and entry.key not in {"tunnel.enabled", *_DAEMON_KEYS}


def _unknown(entry: Entry) -> str | None:
    if is_of_rest(entry.key):
        known = rest_keys(entry)
        return None if entry.key in known else unknown_key(entry.key, known)
    known = (*_DAEMON_KEYS, *tunnel_keys(entry))
    if entry.key in known:
        return None
    return unknown_key(entry.key, [key.removeprefix(_PREFIX) for key in known], _PREFIX)
