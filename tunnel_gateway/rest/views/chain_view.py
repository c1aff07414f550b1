"""The chain of a certificate as the guide shows it, with the trust anchor beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunnel_gateway.cms.verdicts import ChainVerdict
from tunnel_gateway.rest.views.certificate_view import CertificateViews, View, certificate_view


@dataclass(frozen=True, slots=True)
class ChainView:
    """``certificates`` is leaf first. ``trusted`` is the trust anchor, None without a path.

    The trust anchor is among ``certificates`` only if the message has it.
    """

    certificates: list[View]
    trusted: View | None

    @property
    def trusted_field(self) -> View:
        """The field trustedCertificate, or nothing."""
        return {} if self.trusted is None else {"trustedCertificate": self.trusted}


def chain_view(
    chain: ChainVerdict | None, message: Sequence[bytes], views: CertificateViews
) -> ChainView:
    """Return the view of a chain; ``message`` has the certificates of the message, in DER.

    A chain without a path has the certificates of the message that fit by their names. Nobody has
    proven them.
    """
    if chain is None:
        return ChainView([], None)
    if chain.peer is None:
        return ChainView(list(map(certificate_view, chain.certificates)), None)
    *links, anchor = chain.peer.path
    if anchor.der in message:
        links.append(anchor)
    return ChainView([views.of_proven(link) for link in links], views.of_proven(anchor))
