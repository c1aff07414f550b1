"""The part of ``config.properties`` for the REST service: the keys of rest_keys.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from tunnel_gateway.config.reading import check_paths, grouped, read_values
from tunnel_gateway.config.rest_keys import PREFIXES, REST_KEY_OF, REST_KEYS, replacement
from tunnel_gateway.config.tunnel import ListenSettings
from tunnel_gateway.config.values import Entry, Network, join_host_and_port
from tunnel_gateway.errors import Fault

# The largest document must fit into the part of the memory that users may take: half of it, and
# each takes three times its size, with 1 MiB for the message around it.
_MEMORY_FACTOR: Final = 6


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """The truststores: a ``file`` of any format, and ``more`` trust anchors in a PEM file."""

    file: Path | None
    password: bytes | None = field(repr=False)
    more: Path | None


@dataclass(frozen=True, slots=True)
class StampSettings:
    """Where time stamps come from, and whether a signature must have one."""

    url: str | None
    timeout: float
    required: bool


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """Where the status of certificates comes from; None means the addresses in them."""

    ocsp_url: str | None
    crl_url: str | None
    crl_dir: Path | None
    cache_dir: Path | None
    timeout: float
    recheck: float


@dataclass(frozen=True, slots=True)
class FrontendSettings:
    """The proxies in front, and the rate of each user's address; 0 is any number."""

    proxies: tuple[Network, ...]
    rate: int
    burst: int


@dataclass(frozen=True, slots=True)
class BodySettings:
    """How large one document may be, and how much memory all of them may take, in MiB."""

    limit: int
    memory: int


@dataclass(frozen=True, slots=True)
class ChallengeSettings:
    """How long challenges live, how many there may be, and where they are kept."""

    ttl: float | None
    vendor_ttl: float
    limit: int
    cache: Literal["local", "redis"]

    @property
    def seconds(self) -> float:
        """How long a challenge is valid."""
        return self.vendor_ttl if self.ttl is None else self.ttl


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """A Redis that several servers share, if it has a ``host`` or a ``url``."""

    host: str | None
    port: int
    password: bytes | None = field(repr=False)
    db: int
    url: str | None
    connect_ms: int = 2000
    answer_ms: int = 2000

    @property
    def given(self) -> bool:
        """Whether there is such a Redis."""
        return bool(self.host or self.url)

    @property
    def address(self) -> str:
        """The address as one text, without the password."""
        return self.url or f"redis://{join_host_and_port(self.host or '', self.port)}/{self.db}"


@dataclass(frozen=True, slots=True)
class MobileSettings:
    """The site in the vendor's system for phones, and the documents that wait for a phone.

    Without a ``site_id`` there are no methods for phones. ``upload_from`` None: nobody is known to
    post signatures.
    """

    site_id: str | None
    ttl: float
    limit: int
    upload_from: tuple[Network, ...] | None


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Where Prometheus asks, if not at the admin address."""

    enabled: bool
    ip: str
    port: int


_GROUPS: Final = {
    "listen": ListenSettings,
    "trust": TrustSettings,
    "stamps": StampSettings,
    "status": StatusSettings,
    "frontend": FrontendSettings,
    "body": BodySettings,
    "challenges": ChallengeSettings,
    "redis": RedisSettings,
    "mobile": MobileSettings,
    "mobile_redis": RedisSettings,
    "metrics": MetricsSettings,
}


@dataclass(frozen=True, slots=True)
class RestConfig:
    """The part of the REST service; `REST_KEYS` has the meaning of each field. Times are seconds.

    ``not_used`` are the keys of the file that mean nothing here, each with what takes its place.
    """

    listen: ListenSettings
    connections: int
    trust: TrustSettings
    stamps: StampSettings
    status: StatusSettings
    backend_from: tuple[Network, ...]
    frontend: FrontendSettings
    body: BodySettings
    challenges: ChallengeSettings
    redis: RedisSettings
    auth_minutes: int
    mobile: MobileSettings
    mobile_redis: RedisSettings
    metrics: MetricsSettings
    not_used: Mapping[str, str]


def is_of_rest(name: str) -> bool:
    """Tell whether a key belongs to this part, known or not."""
    return name.startswith(PREFIXES) or replacement(name) is not None


def rest_keys(entry: Entry) -> tuple[str, ...]:
    """Return the keys that ``entry`` may have been meant for, in this part of the file.

    Among them is the ``entry``'s own key only if it is one.
    """
    own = (entry.key,) if replacement(entry.key) else ()
    return (*own, *REST_KEY_OF)


class RestReading:
    """The ``entries`` of a ``file`` for the REST service, read: ``values`` by field."""

    def __init__(self, entries: Mapping[str, Entry], file: Path, faults: list[Fault]) -> None:
        self._entries = entries
        self._file = file
        self._faults = faults
        self.values: dict[str, Any] = read_values(REST_KEYS, entries, file.parent, faults)

    @property
    def enabled(self) -> bool:
        """Whether the file turns the service on, rightly or with a fault."""
        entry = self._entries.get("listen.port")
        return entry is not None and bool(entry.value)

    def check(self) -> None:
        """Fault what only the whole part, or the machine, can tell."""
        values = self.values
        check_paths(REST_KEYS, values, self._entries, self._file, self._faults)
        if not values["trust.file"] and not values["trust.more"]:
            self._fault(
                "tsp.jks.file.path",
                "no truststore is given: set it to the file with the roots of the centres, or"
                " tsp.truststore.file to a PEM file",
            )
        limit, memory = values["body.limit"], values["body.memory"]
        if limit and memory and memory < _MEMORY_FACTOR * (limit + 1):
            self._fault(
                "body.memory",
                f"too small for a document of body.limit={limit}: give it at least"
                f" {_MEMORY_FACTOR * (limit + 1)}, or make body.limit smaller",
            )
        metrics = values["metrics.port"]
        if values["metrics.enabled"] and metrics and metrics == values["listen.port"]:
            self._fault("metrics.server.listen.port", "it is listen.port too")

    def _fault(self, key: str, message: str) -> None:
        entry = self._entries.get(key)
        fault = entry.fault(message) if entry else Fault(message, str(self._file), None, key)
        self._faults.append(fault)

    def config(self) -> RestConfig | None:
        """Return the settings, None if the service is off; the file must have no faults."""
        if not self.enabled:
            return None
        values = grouped(self.values)
        groups = {name: make(**values.pop(name)) for name, make in _GROUPS.items()}
        not_used = {name: replacement(name) or "" for name in self._entries if replacement(name)}
        return RestConfig(not_used=not_used, **values, **groups)
