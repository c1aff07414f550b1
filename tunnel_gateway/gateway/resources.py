"""The resources that all sessions of a gateway use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunnel_gateway.config.tunnel import Config
from tunnel_gateway.daemon.turns import Turns
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.gateway.destination_pool import Destinations
from tunnel_gateway.gateway.material import Material
from tunnel_gateway.gateway.reports import Reports
from tunnel_gateway.gateway.stp_domains import stp_settings
from tunnel_gateway.limits.admission import Admission
from tunnel_gateway.protocol.server import ServerSettings
from tunnel_gateway.protocol.stp.stp_server import StpServerSettings
from tunnel_gateway.revocation.watch import Revocation

if TYPE_CHECKING:
    from tunnel_gateway.dataplane.plane import DataPlane


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources that a session gets when it starts. It keeps this ``material`` to its end."""

    material: Material
    admission: Admission
    destinations: Destinations
    workers: Workers | Turns
    revocation: Revocation
    reports: Reports
    plane: DataPlane | None = None  # without one, Python carries the bytes

    @property
    def config(self) -> Config:
        """The configuration that was in use when the session began."""
        return self.material.config

    @property
    def settings(self) -> ServerSettings:
        """The part of the material that the protocol needs."""
        return ServerSettings(self.material.domains.get, self.material.validator)

    @property
    def stp_settings(self) -> StpServerSettings:
        """The same for STP."""
        config, material = self.config, self.material
        return stp_settings(
            material.domains.keys_of,
            config.destinations,
            material.validator,
            modes=config.stp.modes,
            preferred=config.stp.domain,
        )
