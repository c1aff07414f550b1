"""Views of chains: proven paths, and what strangers show."""

from __future__ import annotations

from tests.support.messages import signer
from tests.support.pki import authority, ders, stranger, user
from tests.support.verdicts import signers_chain
from tunnel_gateway.errors import CertificateUntrustedError
from tunnel_gateway.rest.views.certificate_view import CertificateViews, certificate_view
from tunnel_gateway.rest.views.chain_view import ChainView, chain_view

VIEWS = CertificateViews()
CENTRE, ROOT = authority().centre.leaf, authority().root.leaf


def test_a_proven_path() -> None:
    view = chain_view(signers_chain(), ders(signer()), VIEWS)
    assert view.certificates == [certificate_view(signer().leaf), certificate_view(CENTRE)]
    assert view.trusted_field == {"trustedCertificate": certificate_view(ROOT)}
    assert view.certificates[1] is VIEWS.of_proven(CENTRE)


def test_the_root_is_shown_if_the_message_has_it() -> None:
    view = chain_view(signers_chain(), [ROOT.der, *ders(signer())], VIEWS)
    assert view.certificates[2] == view.trusted == certificate_view(ROOT)


def test_a_centre_that_the_message_does_not_have() -> None:
    view = chain_view(signers_chain(), ders(signer())[:1], VIEWS)
    assert view.certificates[1] == certificate_view(CENTRE)


def test_without_a_path_nothing_is_proven_and_nothing_is_kept() -> None:
    odd = user(stranger())
    refused = signers_chain(
        certificate=odd.leaf,
        certificates=(*odd.chain, stranger().root.leaf),
        peer=None,
        fault=CertificateUntrustedError("nobody"),
    )
    views = CertificateViews()
    view = chain_view(refused, ders(odd), views)
    assert view.certificates == [
        certificate_view(certificate) for certificate in (*odd.chain, stranger().root.leaf)
    ]
    assert view.trusted_field == {}
    assert len(views) == 0


def test_no_certificate_no_chain() -> None:
    assert chain_view(None, [CENTRE.der], VIEWS) == ChainView([], None)
