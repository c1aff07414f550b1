"""Messages for the operator about a chain that leads to no trust anchor.

They name certificates by their labels; see ``certificate.label``.
"""

from __future__ import annotations

from tunnel_gateway.errors import CertificateUnsuitableError, CertificateUntrustedError


def no_issuer(leaf: str, orphan: str) -> CertificateUntrustedError:
    """Return the error for an ``orphan``, perhaps the leaf, whose issuer nobody knows."""
    whose = "its issuer" if orphan == leaf else f"the issuer of {orphan}"
    return _no_path(
        leaf,
        f"{whose} is neither in the truststore nor, trusted, in the chain; add a centre"
        " to the chain, and a root that is to be trusted to the truststore",
    )


def unknown_root(leaf: str, last: str) -> CertificateUntrustedError:
    """Return the error for a chain that is complete and ends at a root that is not trusted."""
    return _no_path(
        leaf,
        f"the chain ends at {last}, which is not in the truststore; add it there if it is"
        " a root that is to be trusted",
    )


def another_key(leaf: str, whose: str, wanted: bytes, actual: bytes) -> CertificateUntrustedError:
    """Return the error if the issuer of the right name has another key, by the key identifiers."""
    return _no_path(
        leaf,
        f"{whose} was made with the key {wanted.hex()} of its issuer, and the issuer's certificate"
        f" that is there has the key {actual.hex()}; add the issuer's certificate of that key",
    )


def wrong_signature(whose: str) -> CertificateUntrustedError:
    """Return the error if the key of the issuer of the right name did not make the signature."""
    return CertificateUntrustedError(
        f"the signature of {whose} does not verify: the certificate was altered,"
        " or its issuer is not the one of that name in the truststore or the chain"
    )


def no_centre(leaf: str, whose: str) -> CertificateUnsuitableError:
    """Return the error if the certificate of the issuer belongs to a user or a domain."""
    return CertificateUnsuitableError(
        f"{leaf} was issued by the owner of {whose}, which is not a CA certificate"
        " (basicConstraints): only a CA may issue certificates"
    )


def too_many_ways() -> CertificateUntrustedError:
    """Return the error for a search that reached its limit."""
    return CertificateUntrustedError(
        "the certificates can be put together in too many ways and none was found to be valid;"
        " the chain should hold the owner's certificate and those of its centres, each once"
    )


def _no_path(leaf: str, reason: str) -> CertificateUntrustedError:
    return CertificateUntrustedError(f"no path leads from {leaf} to a trust anchor: {reason}")
