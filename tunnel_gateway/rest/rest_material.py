"""The settings of the REST service with the contents of its files: at the start and each reload."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tunnel_gateway.config.configuration import Configuration
from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.rest import RestConfig, TrustSettings
from tunnel_gateway.config.rest_keys import REST_KEYS
from tunnel_gateway.daemon.descriptors import Needed
from tunnel_gateway.daemon.port import Port
from tunnel_gateway.errors import FileError, WrongPasswordError
from tunnel_gateway.observability.masking import know_centres
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.jks import is_java_keystore
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.pki.trust.validation import ChainValidator

_HEAD_SIZE: Final = 4


@dataclass(frozen=True, slots=True)
class RestMaterial:
    """The settings and the trust anchors. A reload makes another material.

    ``unchecked`` tells that nobody would notice a change of the truststore, because it is a JKS
    file without a password.
    """

    config: RestConfig
    trust_anchors: tuple[Certificate, ...]
    validator: ChainValidator
    unchecked: bool

    @classmethod
    def load(cls, config: RestConfig, before: RestMaterial | None = None) -> RestMaterial:
        """Read the trust anchors.

        If they are the same as ``before``, the service still remembers the chains that it accepted.
        Raises FileError with everything that the operator must change.
        """
        anchors = _anchors(config.trust)
        know_centres(anchor.subject for anchor in anchors)
        kept = before is not None and before.trust_anchors == anchors
        validator = before.validator if before and kept else ChainValidator(anchors)
        return cls(config, anchors, validator, _is_unchecked(config.trust))


def _anchors(trust: TrustSettings) -> tuple[Certificate, ...]:
    anchors: dict[bytes, Certificate] = {}
    for path, password in ((trust.file, trust.password), (trust.more, None)):
        if path is not None:
            try:
                loaded = load_trust_anchors(path, password, unchecked=True)
            except FileError as fault:
                if path is trust.file and isinstance(fault.__cause__, WrongPasswordError):
                    raise FileError(f"{fault}; set tsp.jks.file.password") from None
                raise
            anchors |= {anchor.der: anchor for anchor in loaded}
    return tuple(anchors.values())


def _is_unchecked(trust: TrustSettings) -> bool:
    if trust.file is None or trust.password is not None:
        return False
    with trust.file.open("rb") as file:
        return is_java_keystore(file.read(_HEAD_SIZE))


def port_of(config: RestConfig) -> Port:
    """Return the port of the service."""
    listen = config.listen
    unit = "tunnel-gateway-rest.socket"
    return Port(listen.ip, listen.port, listen.reuseport, "listen", unit)


def certificates_in_use(material: RestMaterial) -> Iterator[tuple[str, Certificate]]:
    """Yield every certificate of the material, with its use."""
    for certificate in material.trust_anchors:
        yield "truststore of the REST service", certificate


class RestFiles:
    """The keys and files of the REST service: `tunnel_gateway.daemon.service.ServiceFiles`."""

    name = "rest"
    keys: Sequence[Key] = REST_KEYS
    listen_keys = frozenset(key.name for key in REST_KEYS if key.field.startswith("listen."))

    def settings(self, configuration: Configuration) -> RestConfig:
        """Return the part of the REST service."""
        assert configuration.rest is not None  # noqa: S101 (else this service is not made)
        return configuration.rest

    def port(self, configuration: Configuration) -> Port:
        """Return where calls come to."""
        return port_of(self.settings(configuration))

    def descriptors(self, configuration: Configuration) -> Needed:
        """Return one descriptor for each connection."""
        return Needed("listen.limit", self.settings(configuration).connections, 1)

    def load(self, configuration: Configuration, before: RestMaterial | None) -> RestMaterial:
        """Return the material that replaces ``before``. Raises FileError, OSError."""
        return RestMaterial.load(self.settings(configuration), before)

    def files(self, configuration: Configuration) -> Iterable[Path]:
        """Return the files whose change asks for a reload."""
        trust = self.settings(configuration).trust
        return [path for path in (trust.file, trust.more) if path is not None]

    def changes(self, before: RestMaterial, after: RestMaterial) -> dict[str, object]:
        """Return how many trust anchors there are, and whether they have changed."""
        changed = before.trust_anchors != after.trust_anchors
        return {"rest_trust_anchors": len(after.trust_anchors), "rest_trust_changed": changed}
