"""A configuration with the contents of its files: read at the start and at every reload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunnel_gateway.config.configuration import Configuration
from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.keys import KEYS
from tunnel_gateway.config.tunnel import Config
from tunnel_gateway.daemon.descriptors import Needed
from tunnel_gateway.daemon.port import Port
from tunnel_gateway.dataplane.joining import thread_count
from tunnel_gateway.errors import ConfigError
from tunnel_gateway.gateway.domains import Domains, load_domains
from tunnel_gateway.gateway.policy import describe, domain_faults
from tunnel_gateway.gateway.stp_domains import stp_faults
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.observability.masking import know_centres
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.centres_folder import load_centres
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.revocation.watch import load_client


@dataclass(frozen=True, slots=True)
class Material:
    """A configuration with its keys, certificates and trust anchors. A reload makes another."""

    config: Config
    domains: Domains
    trust_anchors: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...]
    validator: ChainValidator

    @classmethod
    def load(cls, config: Config, before: Material | None = None) -> Material:
        """Read keys, certificates and trust anchors.

        If trust anchors and intermediates are the same as ``before``, the gateway still remembers
        the users' chains that it accepted. Raises ConfigError or FileError with everything that
        the operator must change.
        """
        load_client(config.revocation)
        anchors = load_trust_anchors(config.truststore_file, config.truststore_password)
        folder = config.intermediates_dir
        intermediates = load_centres(folder) if folder else ()
        domains = load_domains(config.servers_dir, config.servers_password)
        if faults := domain_faults(config.destinations.values(), domains):
            raise ConfigError(faults)
        if config.stp.enabled:
            destinations, preferred = config.destinations.values(), config.stp.domain
            if faults := [
                *stp_faults(domains.keys_of, destinations, config.servers_dir, preferred)
            ]:
                raise ConfigError(faults)
        own = [link for keys in domains.keys_of.values() for key in keys for link in key.chain]
        know_centres((*(anchor.subject for anchor in anchors), *(link.issuer for link in own)))
        if before and (before.trust_anchors, before.intermediates) == (anchors, intermediates):
            validator = before.validator
        else:
            validator = ChainValidator(anchors, intermediates=intermediates)
        return cls(config, domains, anchors, intermediates, validator)


def certificates_in_use(material: Material) -> Iterator[tuple[str, Certificate]]:
    """Yield every certificate of the material, with its use."""
    for name, keys in material.domains.keys_of.items():
        for identity in keys:
            for certificate in identity.chain:
                yield f"domain {name}", certificate
    for certificate in material.trust_anchors:
        yield "truststore", certificate
    for certificate in material.intermediates:
        yield "intermediates", certificate


def port_of(config: Config) -> Port:
    """Return the port of the tunnels."""
    listen = config.listen
    return Port(listen.ip, listen.port, listen.reuseport, "tunnel.listen", "tunnel-gateway.socket")


class TunnelFiles:
    """The keys and files of the tunnels: `tunnel_gateway.daemon.service.ServiceFiles`."""

    name = "tunnel"
    keys: Sequence[Key] = KEYS
    listen_keys = frozenset(key.name for key in KEYS if key.field.startswith("listen."))

    def settings(self, configuration: Configuration) -> Config:
        """Return the tunnels' part of the configuration."""
        return configuration.tunnel

    def port(self, configuration: Configuration) -> Port:
        """Return where tunnels come to."""
        return port_of(configuration.tunnel)

    def descriptors(self, configuration: Configuration) -> Needed:
        """Return two descriptors for each tunnel, its sockets, and two for each thread."""
        config = configuration.tunnel
        return Needed(Limit.TUNNELS, config.limits.tunnels, 2, 2 * thread_count(config.workers))

    def load(self, configuration: Configuration, before: Material | None) -> Material:
        """Return the material that replaces ``before``. Raises ConfigError, FileError, OSError."""
        return Material.load(configuration.tunnel, before)

    def files(self, configuration: Configuration) -> tuple[Path, ...]:
        """Return the files and folders whose change asks for a reload."""
        config = configuration.tunnel
        more = (config.intermediates_dir,) if config.intermediates_dir else ()
        return config.truststore_file, config.servers_dir, *more

    def changes(self, before: Material, after: Material) -> dict[str, object]:
        """Return the domains and destinations in use, and the domains that changed or are gone."""
        old, new = (
            {name: [key.leaf for key in keys] for name, keys in material.domains.keys_of.items()}
            for material in (before, after)
        )
        renewed = [name for name in new if name in old and old[name] != new[name]]
        return {
            "domains": sorted(new),
            "renewed": sorted(renewed),
            "removed": sorted(old.keys() - new.keys()),
            "destinations": sorted(after.config.destinations),
            "policies": sorted(map(describe, after.config.destinations.values())),
            "trust_anchors": len(after.trust_anchors),
        }
