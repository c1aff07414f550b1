"""The daemon: it has what is shared, and runs the services that the configuration turns on."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tunnel_gateway.config.admin import addresses_of
from tunnel_gateway.config.configuration import Configuration
from tunnel_gateway.daemon.admin.health import Health
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.collector import Collector
from tunnel_gateway.daemon.loading import Loaded, Loading
from tunnel_gateway.daemon.reload import Reloader
from tunnel_gateway.daemon.resident_memory import MIB, MemoryWatch
from tunnel_gateway.daemon.service import Part, Service, Shared
from tunnel_gateway.daemon.stopping import Stopping, StopStep
from tunnel_gateway.daemon.turns import Turns
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import configure_logs, get_logger
from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.transport.streams.relay import is_for_other_systems
from tunnel_gateway.transport.system.activation import passed_sockets
from tunnel_gateway.transport.system.lifecycle import Termination
from tunnel_gateway.transport.system.systemd import Notifier

log = get_logger(__name__)


class Daemon:
    """A running daemon. ``serve`` returns after a signal."""

    def __init__(self, configuration: Configuration, parts: Sequence[Part[Any]]) -> None:
        """Load the files of all ``parts``; a reload reads the configuration file again.

        Raises ConfigError or FileError with everything that the operator must change.
        """
        self._loading = Loading([part.files for part in parts])
        # Before the audit: a start that fails because of a file leaves no record.
        self._loaded = self._loading.first(configuration)
        settings = configuration.daemon
        self._shared = Shared(
            audit=Audit(settings.audit_file),
            metrics=Metrics(),
            workers=Workers() if is_for_other_systems() else Turns(),
            memory=MemoryWatch(settings.memory_limit * MIB),
            stopping=Stopping(),
        )
        self._services: dict[str, Service[Any]] = {
            part.files.name: part.make(self._shared, material)
            for part, material in zip(parts, self._loaded.materials, strict=True)
        }
        self._notifier = Notifier()
        self._admin_addresses = addresses_of(settings.admin_listen or (), os.environ)
        self._health = Health(self._shared, tuple(self._services.values()))

    async def serve(self) -> None:
        """Listen until SIGTERM or SIGINT, then drain. Raises CannotListenError."""
        # Before anything listens: a signal from now on ends the daemon in order.
        termination = Termination()
        passed = self._passed_sockets()
        self._loading.passed = passed.keys()
        reloader = Reloader(
            self._loading, self._current, self._use, self._notifier, done=self._reloaded
        )
        # Before the ports of the services, and closed after them: operators see the start and the
        # stop.
        async with self._answering_operators():
            await self._serve(termination, reloader, passed)

    def close(self) -> None:
        """Write the waiting records to the audit file, after ``serve`` has returned."""
        self._shared.audit.close()

    @asynccontextmanager
    async def _answering_operators(self) -> AsyncIterator[None]:
        services = self._services.values()
        if not (self._admin_addresses or any(one.answers_prometheus() for one in services)):
            yield
            return
        # Imported here: a daemon that nobody can ask does not load the HTTP library.
        from tunnel_gateway.daemon.admin.console import admin_server  # noqa: PLC0415

        self._shared.metrics.watch(self._samples)
        for service in services:
            self._shared.metrics.watch(service.samples)
        operators = [service.operators() for service in services]
        admin = admin_server(
            self._admin_addresses, self._shared, self._health, self._limits, operators
        )
        await admin.start()
        try:
            yield
        finally:
            await admin.close()

    async def _serve(
        self,
        termination: Termination,
        reloader: Reloader[Loaded],
        passed: dict[str, socket.socket],
    ) -> None:
        shared, services = self._shared, self._services.values()
        await self._listen(passed)
        for service in services:
            await service.start()
        collector = Collector(self._connections, shared.memory)
        watches = [
            keep_running("reload", reloader.round),
            keep_running("memory", shared.memory.round),
            keep_running("collector", collector.round),
        ]
        attending = list(self._notifier.attend(self._status))
        # Last, when everything is loaded: the loaded objects are set aside.
        collector.begin(asyncio.get_running_loop().time())
        self._notifier.ready()
        await termination.asked()
        for watch in watches:
            watch.cancel()
        await self._drain(termination)
        for service in services:
            await service.close()
        for task in attending:
            task.cancel()
        shared.workers.close()

    async def _listen(self, passed: dict[str, socket.socket]) -> None:
        """Take all ports, before the first connection is accepted; if one is taken, take none."""
        listening: list[Service[Any]] = []
        try:
            for name, service in self._services.items():
                service.listen(passed.get(name))
                listening.append(service)
        except CannotListenError:
            for service in listening:
                await service.stop_accepting()
            raise

    async def _drain(self, termination: Termination) -> None:
        seconds, stopping = self._loaded.configuration.daemon.drain_timeout, self._shared.stopping
        services = self._services.values()
        self._notifier.stopping(seconds)
        # Before the ports are closed: balancers that ask must not send anybody to a closed port.
        stopping.begin(StopStep.NOT_READY)
        await asyncio.gather(*(service.stop_accepting() for service in services))
        stopping.begin(StopStep.LISTENER_CLOSED)
        connections = self._connections()
        log.info("draining", connections=connections, seconds=seconds)
        self._shared.audit.record("stop", {"connections": connections})
        ends = await asyncio.gather(
            *(service.drain(seconds, termination.insisted()) for service in services)
        )
        stopping.begin(StopStep.STOPPED)
        log.info("stopped", **{name: fact for facts in ends for name, fact in facts.items()})

    def _passed_sockets(self) -> dict[str, socket.socket]:
        """Return the sockets on which systemd listens, by the names of their services.

        Connections to any other socket would never be answered, so such a socket fails the start.
        """
        passed = passed_sockets()
        if unused := passed.keys() - self._services.keys():
            used = " or ".join(self._services)
            raise CannotListenError(
                "systemd passed sockets that the gateway does not use:"
                f" {', '.join(sorted(unused))}; write FileDescriptorName={used} into the socket"
                " unit of the service's port"
            )
        return passed

    # --- the state -------------------------------------------------------------------------

    def _connections(self) -> int:
        return sum(service.connections() for service in self._services.values())

    def _status(self) -> str:
        """Return the line for ``systemctl status``."""
        return ", ".join(service.status_line() for service in self._services.values())

    def _limits(self) -> Iterator[tuple[str, int, int]]:
        for service in self._services.values():
            yield from service.limits()
        memory = self._shared.memory
        if memory.limit and memory.used:
            yield Limit.MEMORY, memory.used, memory.limit

    def _samples(self) -> Iterator[Sample]:
        yield from self._health.samples()
        for limit, used, most in self._limits():
            yield "tunnel_gateway_limit_used", (limit,), used
            yield "tunnel_gateway_limit", (limit,), most
        yield "tunnel_gateway_public_key_queue", (), self._shared.workers.waiting

    # --- reloads ---------------------------------------------------------------------------

    def _current(self) -> Loaded:
        return self._loaded

    def _use(self, loaded: Loaded) -> None:
        """Give each service its new material."""
        before, after = self._loaded.configuration.daemon, loaded.configuration.daemon
        if before.log != after.log:
            configure_logs(after.log.format, after.log.level, personal=after.log.personal)
        self._loaded = loaded
        self._shared.memory.limit = after.memory_limit * MIB
        for service, material in zip(self._services.values(), loaded.materials, strict=True):
            service.use(material)

    def _reloaded(self, done: bool) -> None:
        self._shared.audit.reopen()  # first, so that the record is in the new file after a rotation
        self._shared.audit.record("reload", {"done": done})
        self._health.reloaded(done)
