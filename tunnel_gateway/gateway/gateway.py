"""The daemon: it loads its files, listens, serves sessions, and ends them at a stop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tunnel_gateway.config.admin import addresses_of
from tunnel_gateway.config.tunnel import Config, FleetSettings, ListenSettings
from tunnel_gateway.daemon.admin.health import Health
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.collector import Collector
from tunnel_gateway.daemon.port import refusal
from tunnel_gateway.daemon.reload import Reloader
from tunnel_gateway.daemon.stopping import Stopping, StopStep
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.errors import CannotListenError, CertificateError, ShuttingDownError
from tunnel_gateway.gateway.admin.overview import Overview
from tunnel_gateway.gateway.admin.probes import Probes
from tunnel_gateway.gateway.destination_pool import Destinations
from tunnel_gateway.gateway.expiry import ExpiryWatch
from tunnel_gateway.gateway.material import Material, MaterialLoader
from tunnel_gateway.gateway.policy import describe
from tunnel_gateway.gateway.reports import Reports
from tunnel_gateway.gateway.resources import Resources
from tunnel_gateway.gateway.sessions import Sessions
from tunnel_gateway.limits.admission import Admission, Limits
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import configure_logs, get_logger
from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.revocation.watch import Revocation
from tunnel_gateway.transport.streams.listener import Listener
from tunnel_gateway.transport.streams.stream import SocketStream, format_address
from tunnel_gateway.transport.system.activation import passed_sockets
from tunnel_gateway.transport.system.lifecycle import Termination
from tunnel_gateway.transport.system.systemd import Notifier

if TYPE_CHECKING:
    from tunnel_gateway.limits.fleet import Fleet

log = get_logger(__name__)

# The FileDescriptorName= of the tunnels' socket.
_TUNNEL_SOCKET: Final = "tunnel"


class Gateway:
    """A running daemon. ``serve`` returns after a signal."""

    def __init__(self, config: Config, config_file: Path) -> None:
        """Load keys and trust anchors; a reload reads ``config_file`` again.

        Raises ConfigError or FileError with everything that the operator must change.
        """
        self._config_file = config_file
        # Before the audit: a start that fails because of a file leaves no record.
        material = Material.load(config)
        self._audit = Audit(config.audit_file)
        self._fleet = _fleet(config.fleet)
        self._accepted = _accepted_domains(material)
        self._metrics = Metrics()
        self._resources = Resources(
            material=material,
            admission=Admission(Limits.of(config.limits, config.sources), fleet=self._fleet),
            destinations=Destinations(),
            workers=Workers(),
            revocation=Revocation(),
            reports=Reports(self._audit, self._metrics),
        )
        self._expiry = ExpiryWatch(self._current)
        self._notifier = Notifier()
        self._sessions = Sessions()
        self._stopping = Stopping()
        self._admin_addresses = addresses_of(config.admin_listen or (), os.environ)
        probes = Probes(lambda: self._resources)
        memory = self._resources.admission.memory
        self._health = Health(self._stopping, memory, self._audit, self._metrics, probes.faults)
        self._overview = Overview(
            resources=lambda: self._resources,
            accepted=lambda: self._accepted,
            sessions=self._sessions,
            stopping=self._stopping,
            probes=probes,
            health=self._health,
        )

    async def serve(self) -> None:
        """Listen until SIGTERM or SIGINT, then drain. Raises CannotListenError."""
        # Before anything listens: a signal from now on ends the gateway in order.
        termination = Termination()
        passed = _passed_socket()
        reloader = Reloader(
            MaterialLoader(self._config_file, passed=passed is not None),
            self._current,
            self._use,
            self._notifier,
            done=self._reloaded,
        )
        # Before the port of the tunnels, and closed after it: operators see the start and the stop.
        async with self._answering_operators():
            await self._serve(termination, reloader, passed)

    @asynccontextmanager
    async def _answering_operators(self) -> AsyncIterator[None]:
        if not self._admin_addresses:
            yield
            return
        # Imported here: a gateway without an admin address does not load the HTTP library.
        from tunnel_gateway.gateway.admin.routes import admin_server  # noqa: PLC0415

        admin = admin_server(self._admin_addresses, self._overview, self._metrics, self._audit)
        await admin.start()
        try:
            yield
        finally:
            await admin.close()

    async def _serve(
        self, termination: Termination, reloader: Reloader[Material], passed: socket.socket | None
    ) -> None:
        config = self._resources.config
        listener = self._listen(config.listen, passed)
        log.info(
            "listening",
            address=format_address(listener.address),
            **({"socket": "systemd"} if passed else {}),
            domains=sorted(self._current().domains),
            destinations=sorted(config.destinations),
            policies=sorted(map(describe, config.destinations.values())),
        )
        self._resources.revocation.configure(config.revocation, self._accepted)
        self._resources.destinations.configure(config.destinations)
        collector = Collector(lambda: len(self._sessions), self._resources.admission.memory)
        watches = [
            keep_running("reload", reloader.round),
            keep_running("expiry", self._expiry.round),
            keep_running("memory", self._resources.admission.memory.round),
            keep_running("collector", collector.round),
        ]
        # Joined before the first tunnel and left after the last, so that the others count all.
        if self._fleet is not None:
            self._fleet.join()
        attending = list(self._notifier.attend(self._status))
        # Last, when everything is loaded: the loaded objects are set aside.
        collector.begin(asyncio.get_running_loop().time())
        self._notifier.ready()
        await termination.asked()
        for watch in watches:
            watch.cancel()
        await self._drain(listener, termination)
        if self._fleet is not None:
            await self._fleet.leave()
        for task in attending:
            task.cancel()
        await self._resources.revocation.close()
        await self._resources.destinations.close()
        self._resources.workers.close()

    def _status(self) -> str:
        """Return the line for ``systemctl status``."""
        tunnels = sum(session.open for session in self._sessions)
        return f"{tunnels} open tunnels, {len(self._sessions)} connections"

    def _listen(self, listen: ListenSettings, passed: socket.socket | None) -> Listener:
        try:
            return Listener(
                listen.ip,
                listen.port,
                on_connection=self._start_session,
                on_failure=lambda error: log.error("accept_failed", detail=str(error)),
                shared=listen.reuseport,
                passed=passed,
            )
        except OSError as error:
            raise refusal(error, listen) from None

    def _current(self) -> Material:
        return self._resources.material

    def _use(self, material: Material) -> None:
        """Give ``material`` to new sessions. Running sessions keep the material they began with."""
        before, after = self._resources.config, material.config
        if before.log != after.log:
            configure_logs(after.log.format, after.log.level, personal=after.log.personal)
        self._resources = replace(self._resources, material=material)
        self._resources.admission.set_limits(Limits.of(after.limits, after.sources))
        self._resources.destinations.configure(after.destinations)
        self._accepted = _accepted_domains(material)
        self._resources.revocation.configure(after.revocation, self._accepted)
        self._expiry.look(datetime.now(UTC))

    def _reloaded(self, done: bool) -> None:
        self._audit.reopen()  # first, so that the record is in the new file after a rotation
        self._audit.record("reload", {"done": done})
        self._health.reloaded(done)

    def close(self) -> None:
        """Write the waiting records to the audit file, after ``serve`` has returned."""
        self._audit.close()

    def _start_session(self, stream: SocketStream) -> None:
        self._sessions.start(self._resources, stream)

    async def _drain(self, listener: Listener, termination: Termination) -> None:
        seconds = self._resources.config.drain_timeout
        self._notifier.stopping(seconds)
        # Before the listener closes: balancers that ask must not send anybody to a closed port.
        self._stopping.begin(StopStep.NOT_READY)
        await listener.close()
        self._stopping.begin(StopStep.LISTENER_CLOSED)
        log.info("draining", connections=len(self._sessions), seconds=seconds)
        self._audit.record("stop", {"connections": len(self._sessions)})
        error = ShuttingDownError("the gateway is stopping")
        await self._sessions.drain(
            error, seconds, termination.insisted(), self._stopping, replaced=listener.replaced
        )
        self._stopping.begin(StopStep.STOPPED)
        log.info("stopped", tunnels_ended=len(self._sessions) == 0)


def _passed_socket() -> socket.socket | None:
    """Return the socket on which systemd listens for tunnels, if there is one.

    Connections to any other socket would never be answered, so such a socket fails the start.
    """
    passed = passed_sockets()
    listening = passed.pop(_TUNNEL_SOCKET, None)
    if passed:
        raise CannotListenError(
            f"systemd passed sockets that the gateway does not use: {', '.join(sorted(passed))};"
            f" write FileDescriptorName={_TUNNEL_SOCKET} into the socket unit of the tunnels' port"
        )
    return listening


def _fleet(settings: FleetSettings) -> Fleet | None:
    if settings.redis is None:
        return None
    # Imported here, so that a gateway without a fleet does not load the Redis library.
    from tunnel_gateway.limits.fleet import Fleet  # noqa: PLC0415

    return Fleet(settings.redis, settings.password)


def _accepted_domains(material: Material) -> dict[str, VerifiedPeer]:
    """Return the proven paths of the domains; log each certificate that users will refuse."""
    now = datetime.now(UTC)
    accepted = {}
    for name, identity in material.domains.items():
        chain = [link.der for link in identity.chain]
        try:
            accepted[name] = material.validator.verify_server(chain, now, name)
        except CertificateError as error:
            log.warning("domain_certificate_not_accepted", domain=name, detail=str(error))
    return accepted
