"""The candidates for the issuer of a certificate: the trust anchors and the shown certificates.

The library keeps one anchor for each name and key, and one certificate for each issuer and serial
number. But a root and its successor often share both, as two certificates of one centre do.
Here each of them is a candidate, and the path decides which is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from asn1crypto import x509
from pyhanko_certvalidator.authority import Authority, AuthorityWithCert, CertTrustAnchor
from pyhanko_certvalidator.registry import CertificateRegistry, TrustManager

from tunnel_gateway.pki.trust.refusals import too_many_ways

# A chain of eight needs eight steps. The bound is for chains that a stranger made to cost time.
MAX_SEARCH_STEPS: Final = 64


class Anchors(TrustManager):
    """All trust anchors, in the order in which they are to be tried at a moment."""

    def __init__(self, anchors: Sequence[CertTrustAnchor], at: datetime) -> None:
        self._at = at
        self._by_name: dict[str, list[CertTrustAnchor]] = {}
        for anchor in anchors:
            self._by_name.setdefault(anchor.authority.name.hashable, []).append(anchor)

    def as_trust_anchor(self, authority: Authority) -> CertTrustAnchor | None:
        """Return the anchor that is this very certificate; its twin is another certificate."""
        return next(
            (
                anchor
                for anchor in self._by_name.get(authority.name.hashable, ())
                if isinstance(authority, AuthorityWithCert)
                and anchor.certificate.dump() == authority.certificate.dump()
            ),
            None,
        )

    def find_potential_issuers(self, cert: x509.Certificate) -> Iterator[CertTrustAnchor]:
        """Yield the anchors that may have issued ``cert``."""
        named = self._by_name.get(cert.issuer.hashable, ())
        fitting = [anchor for anchor in named if names_key_of(cert, anchor.certificate)]
        yield from sorted(fitting, key=lambda anchor: _doubts(cert, anchor.certificate, self._at))


class Shown(CertificateRegistry):
    """The certificates to build from; stops a search that takes too many steps."""

    def __init__(self, certificates: Iterable[x509.Certificate], at: datetime) -> None:
        super().__init__()
        self._at = at
        self._steps = 0
        self._by_name: dict[str, list[x509.Certificate]] = {}
        distinct = {certificate.dump(): certificate for certificate in certificates}
        for certificate in distinct.values():
            self._by_name.setdefault(certificate.subject.hashable, []).append(certificate)

    def find_potential_issuers(
        self, cert: x509.Certificate, trust_manager: TrustManager
    ) -> Iterator[Any]:
        """Yield the anchors, then the shown certificates, that may have issued ``cert``.

        Raises CertificateUntrustedError at the step after the last.
        """
        self._steps += 1
        if self._steps > MAX_SEARCH_STEPS:
            raise too_many_ways()
        return self._candidates(cert, trust_manager)

    def _candidates(self, cert: x509.Certificate, trust_manager: TrustManager) -> Iterator[Any]:
        yield from trust_manager.find_potential_issuers(cert)
        fitting = [
            candidate
            for candidate in self._by_name.get(cert.issuer.hashable, ())
            if names_key_of(cert, candidate) and not trust_manager.is_root(candidate)
        ]
        yield from sorted(fitting, key=lambda candidate: _doubts(cert, candidate, self._at))


def names_key_of(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether the key identifiers allow ``issuer`` (RFC 5280, 4.2.1.1), where both have one.

    They distinguish the keys of centres with the same name. The issuer and the serial number beside
    them do not count: they name one certificate of the centre, and the centre may get a new one.
    """
    wanted, actual = certificate.authority_key_identifier, issuer.key_identifier
    return not wanted or not actual or wanted == actual


def _doubts(cert: x509.Certificate, issuer: x509.Certificate, at: datetime) -> tuple[bool, bool]:
    """Return two reasons against a candidate: its dates, then the serial number that is named."""
    named = cert.authority_issuer_serial
    return (
        not issuer.not_valid_before <= at <= issuer.not_valid_after,
        bool(named) and named != issuer.issuer_serial,
    )
