"""The gateway's part of STP: who may come, and which domain's certificate they are shown.

A client of STP does not say the name of a domain. It says a dst_id, and its key lies on a curve. So
a destination that is reached by STP has at most one domain on each curve, or ``tunnel.stp.domain``
chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tunnel_gateway.config.destinations import NUMBERS, PREFIX, Destination
from tunnel_gateway.errors import Fault, NotPermittedError
from tunnel_gateway.gateway.destination_pool import find_destination
from tunnel_gateway.gost.curves import CURVES, Curve
from tunnel_gateway.pki.encoding.oids import FAMILY_2009
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.stp.stp_constants import Mode
from tunnel_gateway.protocol.stp.stp_server import StpDomain, StpServerSettings


def stp_settings(
    keys_of: Mapping[str, Sequence[Identity]],
    destinations: Mapping[str, Destination],
    validator: ChainValidator,
    *,
    modes: Iterable[str],
    preferred: str | None,
) -> StpServerSettings:
    """Return what the protocol needs.

    ``keys_of`` has the keys of each domain, at most one on each curve. ``modes`` are those that
    clients may use, in the words of the configuration. ``preferred`` is the domain to take where
    several fit.
    """

    def domain_for(curve: Curve, dst_id: int) -> StpDomain | None:
        destination = find_destination(destinations, str(dst_id))
        if not destination.stp:
            key = f"{PREFIX}{destination.id}.stp"
            raise NotPermittedError(f"{key}: clients of STP may not use this destination", key)
        found = list(_candidates(keys_of, destination, curve))
        return next((one for one in found if one.name == preferred), found[0] if found else None)

    return StpServerSettings(
        lambda der, at: validator.verify_client([der], at),
        domain_for,
        frozenset(Mode[name.upper()] for name in modes),
    )


def stp_faults(
    keys_of: Mapping[str, Sequence[Identity]],
    destinations: Iterable[Destination],
    servers: Path,
    preferred: str | None = None,
) -> Iterator[Fault]:
    """Yield a fault for each destination for which a client's curve would leave a choice."""
    if preferred is not None and preferred not in keys_of:
        text = f"{preferred} has no key there: {', '.join(sorted(keys_of))}"
        yield Fault(text, str(servers), key="tunnel.stp.domain")
    for destination in destinations:
        if destination.id not in NUMBERS or not destination.stp:
            continue
        for curve in CURVES:
            names = [found.name for found in _candidates(keys_of, destination, curve)]
            if len(names) > 1 and preferred not in names:
                yield Fault(
                    f"must name one domain on {curve.name}, because tunnel.stp is on and its"
                    " clients do not say by which domain they come; or set tunnel.stp.domain:"
                    f" {', '.join(names)}",
                    str(servers),
                    key=f"{PREFIX}{destination.id}.domains",
                )


def _candidates(
    keys_of: Mapping[str, Sequence[Identity]], destination: Destination, curve: Curve
) -> Iterator[StpDomain]:
    """Yield the domains with a certificate that E-IMZO can use with a key on ``curve``."""
    allowed = destination.domains.values if destination.domains else keys_of.keys()
    for name in sorted(allowed):
        for identity in keys_of.get(name, ()):
            if identity.private_key.curve is curve and identity.leaf.family is FAMILY_2009:
                yield StpDomain(name, identity)
