"""The last link of a path: from a centre that is proven, to the certificate of a user or a domain.

Every user brings a new certificate, under one of a few centres. The library takes milliseconds for
a whole path, and most of it is known already. So the library proves the path of a centre once. If
nothing on the path binds names or policies, RFC 5280 (sections 6.1.3 to 6.1.5) asks little of the
last certificate: the name of its issuer, its signature, the dates, the lengths that the centres
allow, and that all critical extensions are known.

A chain with anything more is left to the library. Every chain that fails here is left to it too,
because the library finds the reason. A test compares both.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.certificates.extensions import BINDING
from tunnel_gateway.pki.encoding import der
from tunnel_gateway.pki.encoding.outline import Outline, split_extensions

_BINDING: Final = tuple(map(der.identifier, sorted(BINDING)))  # as whole values
# subjectKeyIdentifier, keyUsage, subjectAltName, basicConstraints, certificatePolicies,
# authorityKeyIdentifier and extKeyUsage.
_KNOWN: Final = frozenset(
    der.identifier(f"2.5.29.{number}") for number in (14, 15, 17, 19, 32, 35, 37)
)
_FALSE: Final = b"\0"


def only_issuer(leaf: Outline, candidates: Sequence[Outline]) -> Outline | None:
    """Return the one candidate that has the name of the leaf's issuer; None if there are several.

    The names must be written alike, and the key identifiers must not differ. Raises ValueError for
    malformed extensions.
    """
    named = [candidate for candidate in candidates if candidate.subject == leaf.issuer]
    if len(named) != 1:
        return None
    wanted, actual = leaf.key_identifiers()[0], named[0].key_identifiers()[1]
    return named[0] if not wanted or not actual or wanted == actual else None


def is_plain(path: Sequence[Certificate], outline: Outline, at: datetime) -> bool:
    """Tell whether the leaf of a path may follow the rest, which is proven at the time ``at``.

    ``outline`` is that of the leaf. Its signature is not checked here. Raises ValueError for
    malformed extensions.
    """
    return (
        not path[0].is_ca
        and all(certificate.not_before <= at <= certificate.not_after for certificate in path)
        and not any(
            identifier in certificate.der for identifier in _BINDING for certificate in path
        )
        # The certificate at each position has all those between it and the leaf below it.
        and all(
            certificate.path_length is None or certificate.path_length >= below
            for below, certificate in enumerate(path[1:])
        )
        and _critical(outline) <= _KNOWN
    )


def _critical(outline: Outline) -> set[bytes]:
    """Return the identifiers of the critical extensions, as whole values."""
    return {
        identifier.whole
        for _, (identifier, *flag, _) in split_extensions(outline.extensions)
        if any(value.contents != _FALSE for value in flag)
    }
