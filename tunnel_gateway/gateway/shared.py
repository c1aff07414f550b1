"""What every session of a daemon shares, loaded as one whole from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunnel_gateway.config.tunnel import Config
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.errors import ConfigError
from tunnel_gateway.gateway.destination_pool import Destinations
from tunnel_gateway.gateway.domains import load_domains
from tunnel_gateway.gateway.policy import domain_faults
from tunnel_gateway.gateway.reports import Reports
from tunnel_gateway.limits.admission import Admission
from tunnel_gateway.observability.masking import know_centres
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.server import ServerSettings
from tunnel_gateway.revocation.watch import Revocation


@dataclass(frozen=True, slots=True)
class Material:
    """What the files of a configuration hold. Nothing here changes; a reload makes another."""

    config: Config
    domains: Mapping[str, Identity]
    trust_anchors: tuple[Certificate, ...]
    validator: ChainValidator

    @classmethod
    def load(cls, config: Config, before: Material | None = None) -> Material:
        """Read keys, certificates and trust anchors.

        With the same trust anchors as ``before`` the users' chains that were accepted are still
        remembered. Raises ConfigError or FileError with all that the operator has to change.
        """
        anchors = load_trust_anchors(config.truststore_file, config.truststore_password)
        domains = load_domains(config.servers_dir, config.servers_password)
        if faults := domain_faults(config.destinations.values(), domains):
            raise ConfigError(faults)
        own = [one for identity in domains.values() for one in identity.chain]
        know_centres((*(one.subject for one in anchors), *(one.issuer for one in own)))
        kept = before is not None and before.trust_anchors == anchors
        validator = before.validator if before and kept else ChainValidator(anchors)
        return cls(config, domains, anchors, validator)


@dataclass(frozen=True, slots=True)
class Service:
    """What a session is given when it starts; it keeps this one to its end."""

    material: Material
    admission: Admission
    destinations: Destinations
    workers: Workers
    revocation: Revocation
    reports: Reports

    @property
    def config(self) -> Config:
        """The configuration of the moment in which the session began."""
        return self.material.config

    @property
    def settings(self) -> ServerSettings:
        """What the protocol needs of it."""
        return ServerSettings(self.material.domains.get, self.material.validator)
