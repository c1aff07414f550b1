"""A service of the daemon, and the parts that the daemon shares among its services.

A part is a service that the configuration turns on. Its files can be loaded before anything is
opened, so that a start that fails because of a file leaves nothing behind. Only then is the
service made of what they hold, its material. A reload makes other material.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from tunnel_gateway.config.configuration import Configuration
from tunnel_gateway.config.key_table import Key
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.descriptors import Needed
from tunnel_gateway.daemon.port import Port
from tunnel_gateway.daemon.resident_memory import MemoryWatch
from tunnel_gateway.daemon.stopping import Stopping
from tunnel_gateway.daemon.turns import Turns
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.observability.background import Loop
from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.observability.metrics import Metrics

if TYPE_CHECKING:
    from aiohttp import web

Material = TypeVar("Material")
Used_contra = TypeVar("Used_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Shared:
    """The parts of the daemon that all of its services use."""

    audit: Audit
    metrics: Metrics
    workers: Workers | Turns
    memory: MemoryWatch
    stopping: Stopping


class ServiceFiles(Protocol[Material]):
    """The keys and the files of a service: read at the start, and again at each reload.

    ``name`` is the FileDescriptorName= of its socket. ``keys`` is its table of keys, and
    ``listen_keys`` names those that have no effect while systemd listens.
    """

    name: str
    keys: Sequence[Key]
    listen_keys: frozenset[str]

    def settings(self, configuration: Configuration) -> Any:
        """Return the service's part of the configuration."""

    def port(self, configuration: Configuration) -> Port:
        """Return where the service listens."""

    def descriptors(self, configuration: Configuration) -> Needed:
        """Return how many file descriptors its connections may need."""

    def load(self, configuration: Configuration, before: Material | None) -> Material:
        """Return the material that replaces ``before``; a reload runs it in a thread.

        Raises ConfigError or FileError with everything that the operator must change, or OSError.
        """

    def files(self, configuration: Configuration) -> Iterable[Path]:
        """Return the files and folders whose change asks for a reload."""

    def changes(self, before: Material, after: Material) -> Mapping[str, object]:
        """Return the service's facts of the log line about this reload."""


class Operators(Protocol):
    """The operators' view of a service, by http."""

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the service's own answers."""

    def loops(self) -> Mapping[Loop, Callable[[], Awaitable[object]]]:
        """Return the rounds of the work that is needed only while somebody can ask."""

    async def state(self) -> dict[str, Any]:
        """Return the service's part of the state, ready for JSON, bounded in size."""

    def sections(self, state: Mapping[str, Any]) -> Iterable[str]:
        """Yield the HTML of this part of the ``state``."""


class Service(Protocol[Used_contra]):
    """A service that was made of its material. The daemon calls `listen`, then `start`.

    A stop calls `stop_accepting`, `drain` and `close`, in this order.
    """

    def listen(self, passed: socket.socket | None) -> None:
        """Take the service's port, or the socket that systemd ``passed``.

        Nothing is accepted before the event loop runs again. Raises CannotListenError.
        """

    async def start(self) -> None:
        """Serve from now on."""

    def use(self, material: Used_contra) -> None:
        """Serve what comes from now on with this ``material``."""

    def connections(self) -> int:
        """Return how many connections there are."""

    def status_line(self) -> str:
        """Return the service's part of the line for ``systemctl status``."""

    def not_ready(self) -> Iterable[str]:
        """Yield the reasons why no new work should come."""

    def warnings(self) -> Iterable[str]:
        """Yield what is wrong although the service works."""

    def limits(self) -> Iterable[tuple[str, int, int]]:
        """Yield the key of each limit, how much of it is in use, and the limit."""

    def samples(self) -> Iterable[Sample]:
        """Yield the state as metrics."""

    def answers_prometheus(self) -> bool:
        """Tell whether Prometheus can ask at an address of this service."""

    def operators(self) -> Operators:
        """Return what operators can ask; it may load the HTTP library."""

    async def stop_accepting(self) -> None:
        """Close the port; connections that have come go on."""

    async def drain(self, seconds: float, insisted: Awaitable[object]) -> Mapping[str, object]:
        """Let the work end within ``seconds``, or until ``insisted`` is done; then end it.

        Returns the service's facts of the log line about the end.
        """

    async def close(self) -> None:
        """End what is left beside the connections."""


@dataclass(frozen=True, slots=True)
class Part(Generic[Material]):
    """A service that the configuration turns on: its files, and how it is made of them."""

    files: ServiceFiles[Material]
    make: Callable[[Shared, Material], Service[Material]]
