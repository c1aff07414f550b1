"""The service of the tunnels: it listens, serves sessions, and ends them at a stop."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from tunnel_gateway.config.tunnel import FleetSettings
from tunnel_gateway.daemon.expiry import ExpiryWatch
from tunnel_gateway.daemon.service import Operators, Part, Shared
from tunnel_gateway.dataplane.joining import start_plane
from tunnel_gateway.errors import CertificateError, ShuttingDownError
from tunnel_gateway.gateway.admin.overview import Overview
from tunnel_gateway.gateway.admin.probes import Probes
from tunnel_gateway.gateway.destination_pool import Destinations
from tunnel_gateway.gateway.entrance import DESTINATION_LOST
from tunnel_gateway.gateway.material import Material, TunnelFiles, certificates_in_use, port_of
from tunnel_gateway.gateway.policy import describe
from tunnel_gateway.gateway.reports import Reports
from tunnel_gateway.gateway.resources import Resources
from tunnel_gateway.gateway.sessions import Sessions
from tunnel_gateway.limits.admission import Admission, Limits
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.revocation.ask import Inquiries
from tunnel_gateway.revocation.watch import Revocation
from tunnel_gateway.transport.streams.listener import Listener
from tunnel_gateway.transport.streams.stream import SocketStream, format_address

if TYPE_CHECKING:
    import asyncio

    from tunnel_gateway.limits.fleet import Fleet

log = get_logger(__name__)


class Gateway:
    """The tunnels of a daemon; `tunnel_gateway.daemon.service.Service` says when what is called."""

    def __init__(
        self, shared: Shared, material: Material, inquiries: Inquiries | None = None
    ) -> None:
        config = material.config
        self._shared = shared
        self._fleet = _fleet(config.fleet)
        self._accepted = _accepted_domains(material)
        limits = Limits.of(config.limits, config.sources)
        self._resources = Resources(
            material=material,
            admission=Admission(limits, fleet=self._fleet, memory=shared.memory),
            destinations=Destinations(),
            workers=shared.workers,
            revocation=Revocation(inquiries),
            reports=Reports(shared.audit, shared.metrics),
        )
        self._expiry = ExpiryWatch(lambda: certificates_in_use(self._resources.material))
        self._sessions = Sessions()
        self._overview = Overview(
            resources=lambda: self._resources,
            accepted=lambda: self._accepted,
            sessions=self._sessions,
            probes=Probes(lambda: self._resources),
        )
        self._listener: Listener
        self._watches: list[asyncio.Task[None]] = []

    def listen(self, passed: socket.socket | None) -> None:
        """Take tunnel.listen.port. Raises CannotListenError."""
        config = self._resources.config
        try:
            self._listener = Listener(
                config.listen.ip,
                config.listen.port,
                on_connection=self._start_session,
                on_failure=lambda error: log.error("accept_failed", detail=str(error)),
                shared=config.listen.reuseport,
                passed=passed,
            )
        except OSError as error:
            raise port_of(config).refusal(error) from None
        log.info(
            "listening",
            address=format_address(self._listener.address),
            **({"socket": "systemd"} if passed else {}),
            domains=sorted(self._resources.material.domains),
            destinations=sorted(config.destinations),
            policies=sorted(map(describe, config.destinations.values())),
        )

    async def start(self) -> None:
        """Serve from now on."""
        config = self._resources.config
        plane = start_plane(config.workers, DESTINATION_LOST)
        self._resources = replace(self._resources, plane=plane)
        self._configure()
        self._watches.append(keep_running("expiry", self._expiry.round))
        # Joined before the first tunnel and left after the last, so that the others count all.
        if self._fleet is not None:
            self._fleet.join()

    def use(self, material: Material) -> None:
        """Give ``material`` to new sessions. Running sessions keep the material they began with."""
        self._resources = replace(self._resources, material=material)
        limits = Limits.of(material.config.limits, material.config.sources)
        self._resources.admission.set_limits(limits)
        self._accepted = _accepted_domains(material)
        self._configure()
        self._expiry.look(datetime.now(UTC))

    def _configure(self) -> None:
        config = self._resources.config
        self._resources.destinations.configure(config.destinations)
        self._resources.revocation.configure(config.revocation, self._accepted)

    def _start_session(self, stream: SocketStream) -> None:
        self._sessions.start(self._resources, stream)

    # --- the state -------------------------------------------------------------------------

    def connections(self) -> int:
        """Return how many connections there are, with those in a handshake."""
        return len(self._sessions)

    def status_line(self) -> str:
        """Return the tunnels' part of the line for ``systemctl status``."""
        tunnels = sum(session.open for session in self._sessions)
        return f"{tunnels} open tunnels, {len(self._sessions)} connections"

    def not_ready(self) -> Iterator[str]:
        """Yield a text for each domain that has no destination which is known to answer."""
        return self._overview.probes.faults()

    def warnings(self) -> Iterator[str]:
        """Yield nothing: the log has what is wrong with domains."""
        yield from ()

    def limits(self) -> Iterator[tuple[str, int, int]]:
        """Yield the key of each limit, how much of it is in use, and the limit."""
        return self._overview.limits()

    def samples(self) -> Iterator[Sample]:
        """Yield the state as metrics."""
        return self._overview.samples()

    def answers_prometheus(self) -> bool:
        """Tell that Prometheus can ask at the address of the operators only."""
        return False

    def operators(self) -> Operators:
        """Return what operators can ask."""
        # Imported here: a gateway that nobody can ask does not load the HTTP library.
        from tunnel_gateway.gateway.admin.routes import TunnelOperators  # noqa: PLC0415

        return TunnelOperators(self._overview, self._shared.audit)

    # --- the stop --------------------------------------------------------------------------

    async def stop_accepting(self) -> None:
        """Close the port."""
        for watch in self._watches:
            watch.cancel()
        await self._listener.close()

    async def drain(self, seconds: float, insisted: Awaitable[object]) -> Mapping[str, object]:
        """Refuse connections without an open WebSocket, and let open tunnels end."""
        await self._sessions.drain(
            ShuttingDownError("the gateway is stopping"),
            seconds,
            insisted,
            self._shared.stopping,
            replaced=self._listener.replaced,
        )
        return {"tunnels_ended": len(self._sessions) == 0}

    async def close(self) -> None:
        """Leave the fleet, stop asking about revocation, and end the threads of the tunnels."""
        if self._fleet is not None:
            await self._fleet.leave()
        await self._resources.revocation.close()
        await self._resources.destinations.close()
        if self._resources.plane is not None:
            self._resources.plane.close()


TUNNELS: Final = Part(TunnelFiles(), Gateway)


def tunnels(inquiries: Inquiries) -> Part[Material]:
    """Return the part of a daemon whose services share these ``inquiries`` about revocation."""
    return Part(TunnelFiles(), partial(Gateway, inquiries=inquiries))


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
