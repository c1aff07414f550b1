"""The settings of the whole daemon, for all of its services: their keys, and their dataclasses.

The names of these keys begin with ``tunnel.``, because the vendor has no keys for such things.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tunnel_gateway.config.admin import ADMIN
from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.values import NEW_FILE, seconds, whole, words

# fmt: off
DAEMON_KEYS: Final[tuple[Key, ...]] = (
    Key("tunnel.admin.listen", "admin_listen", ADMIN, "",
        "Where this gateway answers operators and Prometheus, see [Admin](operations.md#admin)."
        " `{instance}` in it stands for TUNNEL_GATEWAY_INSTANCE of the environment.",
        "A gateway without operators' tools needs no open address.", restart=True),
    Key("tunnel.log.format", "log.format", words("auto", "console", "json"), "auto",
        "console is for people, json for machines. auto is console on a terminal, the journal's"
        " own fields under systemd, and json elsewhere.",
        "The right format for a terminal, for systemd and for a container."),
    Key("tunnel.log.level", "log.level", words("debug", "info", "warning", "error"), "info",
        "The least important lines that the gateway writes.",
        "The log then has one line for each tunnel."),
    Key("tunnel.log.personal", "log.personal", words("masked", "full"), "masked",
        "How the log and the status name persons, see [The log](log.md#the-log).",
        "More people read the log than the audit file."),
    Key("tunnel.audit.file", "audit_file", NEW_FILE, "",
        "The file that says who had a tunnel, when, and to which destination, see"
        " [Audit](log.md#audit). `{instance}` in it stands for TUNNEL_GATEWAY_INSTANCE of the"
        " environment.",
        "Do not collect these data unless a law asks for them.", restart=True),
    Key("tunnel.memory.limit", "memory_limit", whole(0, 1_000_000, " MiB"), "2048",
        "The resident memory. At it a new tunnel gets `overloaded`, and a REST call gets HTTP 503"
        " with the same reason. 0: no limit.",
        "If memory runs out, the system kills the process, and all tunnels and calls end. Refusing"
        " new ones is better."),
    Key("tunnel.drain.timeout", "drain_timeout", seconds(0, 3600), "30",
        "The time that open tunnels get to end when the gateway stops. A service manager must wait"
        " longer before it kills the gateway.",
        "`TimeoutStopSec=` of the systemd unit is longer."),
    Key("tunnel.reload.interval", "reload_interval", seconds(0, 86_400), "0",
        "The time between two looks at the files. The gateway then loads changes as after SIGHUP."
        " 0: only SIGHUP.",
        "The gateway does not load a half-written file before the operator asks for it."),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How the log is written."""

    format: Literal["auto", "console", "json"]
    level: Literal["debug", "info", "warning", "error"]
    personal: Literal["masked", "full"]


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """`DAEMON_KEYS` has the meaning of each field. Times are seconds, ``memory_limit`` is MiB."""

    admin_listen: tuple[str, ...] | None
    log: LogSettings
    audit_file: Path | None
    memory_limit: int
    drain_timeout: float
    reload_interval: float
