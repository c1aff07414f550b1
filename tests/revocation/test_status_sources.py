"""Where a status can be learned, and what of that a service may replace."""

from __future__ import annotations

from pathlib import Path

from tests.support.pki import authority, user
from tests.support.revocation import places
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.status.revocation_store import Link
from tunnel_gateway.revocation.cache import RevocationCache
from tunnel_gateway.revocation.status_sources import StatusSource, Terms, status_sources

LIST, RESPONDER = "http://centre.example.uz/list", "http://centre.example.uz/ocsp"
TERMS = Terms(timeout=1, recheck=60, cache=RevocationCache(None))


def sources(certificate: Certificate, terms: Terms) -> list[StatusSource]:
    return list(status_sources(Link(certificate, authority().centre.leaf), terms))


def test_a_certificate_names_its_sources() -> None:
    one = user(extensions=places(crl=LIST, responder=RESPONDER)).leaf
    two = user(extensions=places(crl=LIST, responder=RESPONDER)).leaf
    crl, ocsp = sources(one, TERMS)
    assert [(crl.kind, crl.urls), (ocsp.kind, ocsp.urls)] == [
        ("crl", (LIST,)),
        ("ocsp", (RESPONDER,)),
    ]
    # One list is for all users of a centre, and an answer is for one.
    assert sources(two, TERMS)[0] == crl
    assert sources(two, TERMS)[1] != ocsp
    assert crl.file_name != ocsp.file_name


def test_a_certificate_without_addresses() -> None:
    assert sources(user().leaf, TERMS) == []
    folder = Terms(1, 60, TERMS.cache, folder=Path("/lists"))
    assert [source.kind for source in sources(user().leaf, folder)] == ["folder"]


def test_settings_replace_the_addresses() -> None:
    certificate = user(extensions=places(crl=LIST, responder=RESPONDER)).leaf
    relay = ("http://relay.example.uz/1", "http://relay.example.uz/2")
    crl, ocsp = sources(certificate, Terms(1, 60, TERMS.cache, ocsp_urls=relay))
    assert (crl.urls, ocsp.urls) == ((LIST,), relay)
    crl, ocsp = sources(certificate, Terms(1, 60, TERMS.cache, crl_urls=relay))
    assert (crl.urls, ocsp.urls) == (relay, (RESPONDER,))
    assert [source.urls for source in sources(user().leaf, Terms(1, 60, TERMS.cache, None, relay))]
