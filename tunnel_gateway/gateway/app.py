"""The daemon: everything it needs loaded, one listener, its sessions, and their drain."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tunnel_gateway.config import Config
from tunnel_gateway.config_admin import addresses_of
from tunnel_gateway.errors import CannotListenError, CertificateError, ShuttingDownError
from tunnel_gateway.gateway.admin import Admin
from tunnel_gateway.gateway.expiry import ExpiryWatch
from tunnel_gateway.gateway.limits import Admission
from tunnel_gateway.gateway.overview import Overview
from tunnel_gateway.gateway.policy import describe
from tunnel_gateway.gateway.probes import Probes
from tunnel_gateway.gateway.reload import Reloader
from tunnel_gateway.gateway.reports import Reports
from tunnel_gateway.gateway.revocation import Revocation
from tunnel_gateway.gateway.service import Material, Service
from tunnel_gateway.gateway.sessions import Sessions
from tunnel_gateway.gateway.stopping import LISTENER_CLOSED, NOT_READY, STOPPED, Stopping
from tunnel_gateway.gateway.tally import Tally
from tunnel_gateway.gateway.workers import Workers
from tunnel_gateway.observability.logs import configure_logs, get_logger
from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.pki.validation import VerifiedPeer
from tunnel_gateway.transport.lifecycle import Termination
from tunnel_gateway.transport.listener import Listener
from tunnel_gateway.transport.stream import SocketStream, format_address

log = get_logger(__name__)


class Gateway:
    """A running daemon. ``serve`` returns when a signal has ended it."""

    def __init__(self, config: Config, config_file: Path) -> None:
        """Load keys and trust anchors; ``config_file`` is what a reload reads again.

        Raises ConfigError or FileError with all that the operator has to change.
        """
        self._config_file = config_file
        material = Material.load(config)
        self._own = _accepted_domains(material)
        self._metrics = Metrics()
        self._service = Service(
            material=material,
            admission=Admission(
                tunnel_limit=config.tunnel_limit, handshake_limit=config.handshake_limit
            ),
            workers=Workers(),
            revocation=Revocation(),
            reports=Reports(Tally(self._metrics)),
        )
        self._expiry = ExpiryWatch(self._current)
        self._sessions = Sessions()
        self._stopping = Stopping()
        self._admin_addresses = addresses_of(config.admin_listen or (), os.environ)

    async def serve(self) -> None:
        """Listen until SIGTERM or SIGINT, then drain. Raises CannotListenError."""
        termination = Termination()
        overview = self._overview()
        reloader = Reloader(self._config_file, self._current, self._use, done=overview.reloaded)
        admin = Admin(self._admin_addresses, overview, self._metrics)
        await admin.start()
        try:
            await self._serve(termination, reloader)
        finally:
            await admin.close()

    async def _serve(self, termination: Termination, reloader: Reloader) -> None:
        config = self._service.config
        listener = self._listen(config)
        log.info(
            "listening",
            address=format_address((config.listen_ip, listener.port)),
            domains=sorted(self._current().domains),
            destinations=sorted(config.destinations),
            policies=sorted(map(describe, config.destinations.values())),
        )
        self._service.revocation.configure(config, self._own)
        watches = [asyncio.create_task(one.run()) for one in (reloader, self._expiry)]
        await termination.asked()
        for watch in watches:
            watch.cancel()
        await self._drain(listener, termination)
        await self._service.revocation.close()
        self._service.workers.shutdown(wait=False, cancel_futures=True)

    def _overview(self) -> Overview:
        return Overview(
            service=lambda: self._service,
            accepted=lambda: self._own,
            sessions=self._sessions,
            stopping=self._stopping,
            probes=Probes(self._current),
        )

    def _listen(self, config: Config) -> Listener:
        try:
            return Listener(
                config.listen_ip,
                config.listen_port,
                on_connection=self._start_session,
                on_failure=lambda error: log.error("accept_failed", detail=str(error)),
                shared=config.listen_reuseport,
            )
        except OSError as error:
            raise CannotListenError(
                f"{error.strerror}; tunnel.listen.ip must be an address of this machine, and"
                " tunnel.listen.port a port that nothing else listens on"
            ) from None

    def _current(self) -> Material:
        return self._service.material

    def _use(self, material: Material) -> None:
        """Let what starts from now on have ``material``; what runs keeps what it began with."""
        before, after = self._service.config, material.config
        if (before.log_format, before.log_level) != (after.log_format, after.log_level):
            configure_logs(after.log_format, after.log_level)
        self._service = replace(self._service, material=material)
        self._service.admission.set_limits(
            tunnels=after.tunnel_limit, handshakes=after.handshake_limit
        )
        self._own = _accepted_domains(material)
        self._service.revocation.configure(after, self._own)
        self._expiry.look(datetime.now(UTC))

    def _start_session(self, stream: SocketStream) -> None:
        self._sessions.start(self._service, stream)

    async def _drain(self, listener: Listener, termination: Termination) -> None:
        self._stopping.begin(NOT_READY)
        await listener.close()
        self._stopping.begin(LISTENER_CLOSED)
        seconds = self._service.config.drain_timeout
        log.info("draining", tunnels=len(self._sessions), seconds=seconds)
        error = ShuttingDownError("the gateway is stopping")
        await self._sessions.drain(error, seconds, termination.insisted(), self._stopping)
        self._stopping.begin(STOPPED)
        log.info("stopped", tunnels_ended=len(self._sessions) == 0)


def _accepted_domains(material: Material) -> dict[str, VerifiedPeer]:
    """Return the proven paths of the domains, and say at once what users are going to refuse."""
    now = datetime.now(UTC)
    accepted = {}
    for name, identity in material.domains.items():
        chain = [one.der for one in identity.chain]
        try:
            accepted[name] = material.validator.verify_server(chain, now, name)
        except CertificateError as error:
            log.warning("domain_certificate_not_accepted", domain=name, detail=str(error))
    return accepted
