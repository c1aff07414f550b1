"""``config.properties`` -> frozen dataclasses, with every fault named by file, line and key.

The file is a Java properties file, the same one that the vendor's server reads: the vendor's
``tunnel.`` keys mean what they mean there, ours stand beside them, and keys without the prefix
(the rest of the vendor's file) are left alone. `KEYS` is the one table of the simple keys, for
this parser and for the documentation; config/destinations.py reads the destinations.

What the format leaves open, decided here:

* The text is UTF-8 (a byte order mark is skipped), or, when it is no valid UTF-8, ISO-8859-1 as
  in Java. ``\\uXXXX`` escapes and lines continued with a backslash work in both.
* Relative paths start at the folder of the configuration file, wherever the program was started.
* White space around a value does not count, nor does it in a password; an empty value is the
  default.
* A password that is not given may come from systemd: see config/credentials.py.
* Numbers are decimal digits, seconds may have a fraction: ``0.5``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from tunnel_gateway.config.admin import ADMIN, clash
from tunnel_gateway.config.credentials import credential
from tunnel_gateway.config.destinations import PARTS as DESTINATION_PARTS
from tunnel_gateway.config.destinations import PREFIX as DESTINATION_PREFIX
from tunnel_gateway.config.destinations import Destination, is_known, read_destinations
from tunnel_gateway.config.text import read_entries, visible
from tunnel_gateway.config.values import (
    ALLOWANCES,
    FILE,
    FOLDER,
    IP,
    NETWORKS,
    NEW_FILE,
    PORT,
    REDIS,
    SECRET,
    YES_NO,
    Allowance,
    Entry,
    Kind,
    Network,
    seconds,
    whole,
    words,
)
from tunnel_gateway.errors import ConfigError, Fault

_PREFIX = "tunnel."


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; `KEYS` has the meaning of each field. Times are seconds."""

    enabled: bool
    listen_ip: str
    listen_port: int
    listen_reuseport: bool
    proxy_from: tuple[Network, ...] | None
    servers_dir: Path
    servers_password: bytes | None = field(repr=False)
    truststore_file: Path
    truststore_password: bytes | None = field(repr=False)
    http_pages: bool
    handshake_timeout: float
    handshake_limit: int
    tunnel_limit: int
    memory_limit: int
    source_rate: int
    source_burst: int
    source_handshakes: int
    source_limit: int
    source_networks: tuple[Allowance, ...]
    certificate_limit: int
    lifetime: float
    bandwidth: int
    idle_timeout: float
    upgrade_timeout: float
    connect_timeout: float
    halfclose_timeout: float
    drain_timeout: float
    reload_interval: float
    revocation: Literal["off", "soft", "hard"]
    revocation_timeout: float
    revocation_recheck: float
    revocation_cache_dir: Path | None
    crl_dir: Path | None
    fleet_redis: str | None
    fleet_password: bytes | None = field(repr=False)
    admin_listen: tuple[str, ...] | None
    log_format: Literal["auto", "console", "json"]
    log_level: Literal["debug", "info", "warning", "error"]
    log_personal: Literal["masked", "full"]
    audit_file: Path | None
    destinations: Mapping[str, Destination]


@dataclass(frozen=True, slots=True)
class Key:
    """One simple key: its ``default`` as it would stand in the file, "" for none, and why."""

    name: str
    field: str
    kind: Kind
    default: str
    help: str


# fmt: off
KEYS: tuple[Key, ...] = (
    Key("tunnel.enabled", "enabled", YES_NO, "",
        "Whether the gateway serves at all; must be given."),
    Key("tunnel.listen.ip", "listen_ip", IP, "0.0.0.0",  # noqa: S104 - the vendor's own default
        "The address to listen on; 0.0.0.0 or :: is every address of the machine."),
    Key("tunnel.listen.port", "listen_port", PORT, "8843",
        "The TCP port to listen on; the users' agents are told it for the domain."),
    Key("tunnel.listen.reuseport", "listen_reuseport", YES_NO, "no",
        "Whether daemons of one user share the port, one for each core, each with this set."),
    Key("tunnel.proxy.from", "proxy_from", NETWORKS, "",
        "The balancers: from their addresses every connection begins with a PROXY protocol header,"
        " which is believed; from any other address such a header is refused."),
    Key("tunnel.servers.dir", "servers_dir", FOLDER, "tunnel/servers",
        "The folder with the key and the certificates of every domain."),
    Key("tunnel.servers.password", "servers_password", SECRET, "",
        "The password of encrypted domain keys; none when they are not encrypted."),
    Key("tunnel.truststore.file", "truststore_file", FILE, "tunnel/truststore.jks",
        "The trust anchors for the users' certificates: PEM, PKCS#12 or JKS; its content tells."),
    Key("tunnel.truststore.password", "truststore_password", SECRET, "",
        "The password of the trust store; a PEM file has none."),
    Key("tunnel.http.pages", "http_pages", YES_NO, "no",
        "Whether pages of a domain may be plain http: somebody on the way can be any of them. Pages"
        " of localhost always may."),
    Key("tunnel.handshake.timeout", "handshake_timeout", seconds(0.1, 300), "10",
        "The time for a whole handshake: two round trips, and a card that signs in seconds."),
    Key("tunnel.handshake.limit", "handshake_limit", whole(1, 65536, ""), "256",
        "How many handshakes may be in progress at once; one more is refused (overloaded). It"
        " bounds the memory and the signatures that strangers can cost."),
    Key("tunnel.limit", "tunnel_limit", whole(1, 1_000_000, ""), "10000",
        "How many tunnels may be open at once; each takes two file descriptors."),
    Key("tunnel.memory.limit", "memory_limit", whole(0, 1_000_000, ""), "2048",
        "The resident memory in MiB from which on new tunnels are refused (overloaded), before the"
        " system ends the process and all tunnels with it. 0: none."),
    Key("tunnel.source.rate", "source_rate", whole(0, 1_000_000, ""), "20",
        "How many handshakes one source address may begin a second in the long run, rate_limited"
        " beyond: each costs two milliseconds of a processor. IPv6 counts by /64. 0: any number."),
    Key("tunnel.source.burst", "source_burst", whole(1, 1_000_000, ""), "200",
        "How many handshakes it may begin at once before the rate holds: an office that comes back"
        " after a restart."),
    Key("tunnel.source.handshakes", "source_handshakes", whole(0, 65536, ""), "64",
        "How many of its handshakes may be in progress at once, rate_limited beyond; a part of"
        " tunnel.handshake.limit, so that one slow address does not take all. 0: any number."),
    Key("tunnel.source.limit", "source_limit", whole(0, 1_000_000, ""), "1000",
        "How many tunnels one source address may have open, too_many_tunnels beyond; a part of"
        " tunnel.limit. 0: any number."),
    Key("tunnel.source.networks", "source_networks", ALLOWANCES, "127.0.0.0/8 free, ::1 free",
        "Networks whose addresses are no ordinary sources: each counts as so many, or is free of"
        " limits: balancers, and institutions behind one address."),
    Key("tunnel.certificate.limit", "certificate_limit", whole(0, 1_000_000, ""), "64",
        "How many tunnels one certificate may have open, too_many_tunnels beyond: more than a"
        " person's pages need. 0: any number."),
    Key("tunnel.lifetime", "lifetime", seconds(0, 31_536_000), "86400",
        "An open tunnel is ended after this time, however busy: an expired certificate or a"
        " changed rule then counts for it too. 0: never."),
    Key("tunnel.bandwidth", "bandwidth", whole(0, 999_999_999, ""), "0",
        "How many bytes a second one tunnel may carry in each direction, with a burst of one"
        " second. 0: as many as go through."),
    Key("tunnel.idle.timeout", "idle_timeout", seconds(1, 604_800), "3600",
        "A tunnel without a byte in either direction is closed after this time."),
    Key("tunnel.upgrade.timeout", "upgrade_timeout", seconds(0.1, 3600), "90",
        "The time from the handshake to the browser's whole WebSocket request; the one-shot local"
        " address that the page connects to lives for 60 seconds."),
    Key("tunnel.connect.timeout", "connect_timeout", seconds(0.1, 300), "5",
        "The time to connect to a destination; it stands in the same network."),
    Key("tunnel.halfclose.timeout", "halfclose_timeout", seconds(0.1, 3600), "60",
        "The time that one direction may stay open after the other has ended."),
    Key("tunnel.drain.timeout", "drain_timeout", seconds(0, 3600), "30",
        "The time that open tunnels get to end when the gateway stops; systemd's TimeoutStopSec"
        " must be longer."),
    Key("tunnel.reload.interval", "reload_interval", seconds(0, 86_400), "0",
        "The time between two looks at the files; a change is then loaded as by SIGHUP. 0: never."),
    Key("tunnel.revocation", "revocation", words("off", "soft", "hard"), "off",
        "Whether users' certificates are looked up as revoked; a status that cannot be had is let"
        " through (soft) or refused (hard)."),
    Key("tunnel.revocation.timeout", "revocation_timeout", seconds(0.1, 60), "3",
        "The time that a new tunnel waits for a status that is not known yet."),
    Key("tunnel.revocation.recheck", "revocation_recheck", seconds(1, 86_400), "600",
        "The time between two looks for news, for open tunnels too."),
    Key("tunnel.revocation.cache.dir", "revocation_cache_dir", FOLDER, "",
        "The folder for lists and answers that were fetched; without one a restart forgets them."),
    Key("tunnel.crl.dir", "crl_dir", FOLDER, "",
        "The folder with revocation lists, PEM or DER, that somebody else keeps up to date."),
    Key("tunnel.fleet.redis", "fleet_redis", REDIS, "",
        "The Redis in which many gateways count together: tunnel.source.rate and"
        " tunnel.certificate.limit then hold over all of them. Without one each counts alone."),
    Key("tunnel.fleet.password", "fleet_password", SECRET, "",
        "The password of that Redis, if it has one."),
    Key("tunnel.admin.listen", "admin_listen", ADMIN, "",
        "Where operators and Prometheus ask this gateway: unix:/PATH, 127.0.0.1:PORT or [::1]:PORT,"
        " with commas between; nowhere by default. {instance} in it stands for"
        " TUNNEL_GATEWAY_INSTANCE of the environment."),
    Key("tunnel.log.format", "log_format", words("auto", "console", "json"), "auto",
        "console is for people, json for machines; auto is console on a terminal, the journal's own"
        " fields under systemd, else json."),
    Key("tunnel.log.level", "log_level", words("debug", "info", "warning", "error"), "info",
        "The least important lines that are written."),
    Key("tunnel.log.personal", "log_personal", words("masked", "full"), "masked",
        "How the log and the status name persons; the audit file always names them in full."),
    Key("tunnel.audit.file", "audit_file", NEW_FILE, "",
        "The file that says who had a tunnel, when and where to, each line chained to the one"
        " before; {instance} in it stands for TUNNEL_GATEWAY_INSTANCE of the environment."),
)
# fmt: on

_KEY_OF = {key.name: key for key in KEYS}


def load_config(path: Path) -> Config:
    """Read and check the configuration file at ``path``.

    With ``tunnel.enabled=no`` the files and the destinations may be missing: nothing will use
    them. Raises ConfigError with every fault of the file at once.
    """
    reading = _Reading(path)
    entries = reading.entries()
    values = {key.field: reading.simple_value(key, entries.get(key.name)) for key in KEYS}
    destinations = read_destinations(entries.values(), reading.faults)
    if values["enabled"] is not False:
        reading.check_files(values, entries)
        reading.check_revocation(values, entries)
        reading.check_admin(values, entries)
        if not any(name.startswith(DESTINATION_PREFIX) for name in entries):
            reading.fault(
                "no destination is given: set tunnel.destination.0.host and .port to the address"
                " of the WebSocket API"
            )
    if reading.faults:
        raise ConfigError(sorted(reading.faults, key=lambda fault: fault.line or 0))
    return Config(destinations=MappingProxyType(destinations), **values)


def load_admin_listen(path: Path) -> tuple[tuple[str, ...] | None, list[Fault]]:
    """Return tunnel.admin.listen alone, None where there is none, and the faults of the file.

    For those who ask a gateway that runs, whatever somebody has made of its file since; files that
    it names are not looked at. Raises ConfigError if the file cannot be read at all.
    """
    reading = _Reading(path)
    entries = reading.entries()
    values = {key.field: reading.simple_value(key, entries.get(key.name)) for key in KEYS}
    read_destinations(entries.values(), reading.faults)
    return values["admin_listen"], reading.faults


class _Reading:
    """One pass over one file; collects the faults."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[Fault] = []

    def fault(self, message: str, line: int | None = None, key: str | None = None) -> None:
        self.faults.append(Fault(message, str(self.path), line, key))

    def entries(self) -> dict[str, Entry]:
        """The entries with our prefix by key; repeated and unknown keys are faults."""
        found: dict[str, Entry] = {}
        for entry in read_entries(self.path, self.faults):
            if not entry.key.startswith(_PREFIX):
                if visible(entry.key).startswith(_PREFIX):
                    self.fault(
                        f"unknown key; did you mean {visible(entry.key)}?", entry.line, entry.key
                    )
                continue
            if (first := found.setdefault(entry.key, entry)) is not entry:
                self.fault(f"given twice, first in line {first.line}", entry.line, entry.key)
            elif entry.key not in _KEY_OF and not is_known(entry.key):
                self.fault(f"unknown key{_suggestion(entry.key)}", entry.line, entry.key)
        return found

    def simple_value(self, key: Key, entry: Entry | None) -> Any:
        """The value of ``key``, or None after a fault."""
        if password := credential(key.name, key.kind, entry, self.faults):
            return password
        if entry is None or not entry.value:
            if key.name == "tunnel.enabled":
                self.fault("must be given, yes or no", entry.line if entry else None, key.name)
                return None
            return None if not key.default else key.kind.read(key.default, self.path.parent)
        return entry.read(key.kind, self.faults)

    def check_files(self, values: Mapping[str, Any], entries: Mapping[str, Entry]) -> None:
        """Fault the paths that are not there, or are of the wrong type."""
        for key in KEYS:
            path = values[key.field]
            if path and key.kind.problem and (problem := key.kind.problem(path)):
                entry = entries.get(key.name)
                hint = "" if entry and entry.value else "; this is the default"
                self.fault(f"{problem}{hint}", entry.line if entry else None, key.name)

    def check_revocation(self, values: Mapping[str, Any], entries: Mapping[str, Entry]) -> None:
        """Fault a folder of lists that nobody would look into."""
        if values["crl_dir"] and values["revocation"] == "off":
            line = entries["tunnel.crl.dir"].line
            self.fault(
                "has no effect without tunnel.revocation=hard or soft", line, "tunnel.crl.dir"
            )

    def check_admin(self, values: Mapping[str, Any], entries: Mapping[str, Entry]) -> None:
        """Fault an admin address that something else of the file takes."""
        key = "tunnel.admin.listen"
        place = values["listen_ip"], values["listen_port"], values["audit_file"]
        if not values["admin_listen"] or None in place[:2]:
            return
        if problem := clash(values["admin_listen"], *place):
            self.fault(problem, entries[key].line, key)


def _suggestion(name: str) -> str:
    # The prefix that all keys share says nothing about which one was meant.
    known = [key.removeprefix(_PREFIX) for key in _KEY_OF]
    dst_id = name.removeprefix(DESTINATION_PREFIX).partition(".")[0]
    dst_id = dst_id if name.startswith(f"{DESTINATION_PREFIX}{dst_id}.") else "0"
    known += [f"destination.{dst_id}.{part}" for part in DESTINATION_PARTS]
    close = get_close_matches(name.removeprefix(_PREFIX), known, n=1)
    return f"; did you mean {_PREFIX}{close[0]}?" if close else ""
