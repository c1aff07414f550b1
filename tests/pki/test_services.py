"""The addresses of the development authority, in certificates and read from them again."""

from __future__ import annotations

import os

import pytest
from asn1crypto import x509

from tests.support.pki import MADE, NOW, PERSON, user
from tests.support.revocation import places
from tunnel_gateway.pki.authority import Authority
from tunnel_gateway.pki.services import Services
from tunnel_gateway.pki.trust.validation import ChainValidator


@pytest.mark.parametrize("base", ["http://127.0.0.1:1", "http://127.0.0.1:65535"])
def test_addresses(base: str) -> None:
    services = Services.at(base)
    assert services.base == base
    assert services.ocsp == f"{base}/ocsp"
    assert services.list_of("root") == f"{base}/crl/root.crl"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://127.0.0.1",
        "http://127.0.0.1:0",
        "http://127.0.0.1:65536",
        "http://127.0.0.1:8085/",
        "http://127.0.0.1:8085\n",
        "http://127.0.0.1:٨",
        "http://example.uz:8085",
        "http://192.0.2.1:8085",
        "http://[::1]:8085",
        "https://127.0.0.1:8085",
        "127.0.0.1:8085",
    ],
)
def test_other_texts(text: str) -> None:
    with pytest.raises(ValueError, match="not an address such as"):
        Services.at(text)


def test_certificates_that_name_them() -> None:
    base = "http://127.0.0.1:8085"
    services = Services.at(base)
    made = Authority.create(now=MADE, entropy=os.urandom, services=services)
    assert made.services == services
    assert not made.root.leaf.ocsp_urls
    centre = made.centre.leaf
    assert (centre.ocsp_urls, centre.crl_urls) == ((f"{base}/ocsp",), (f"{base}/crl/root.crl",))
    identities = [
        made.issue_user(PERSON, now=MADE, entropy=os.urandom),
        made.issue_domain("example.uz", now=MADE, entropy=os.urandom),
        made.issue_time_stamper(now=MADE, entropy=os.urandom),
    ]
    for leaf in (identity.leaf for identity in identities):
        assert (leaf.ocsp_urls, leaf.crl_urls) == ((f"{base}/ocsp",), (f"{base}/crl/centre.crl",))
        access = x509.Certificate.load(leaf.der).authority_information_access_value.native
        assert [one["access_method"] for one in access] == ["ocsp", "ca_issuers"]
        assert access[1]["access_location"] == f"{base}/certificates/centre.cer"
    # OpenSSL wants a token's name for its authority in the certificate (RFC 3161, 2.4.2).
    (name,) = x509.Certificate.load(identities[2].leaf.der).subject_alt_name_value
    assert (name.name, name.native) == ("uniform_resource_identifier", services.tsa)
    validator = ChainValidator([made.root.leaf])
    chains = [[certificate.der for certificate in identity.chain] for identity in identities]
    assert validator.verify_client(chains[0], NOW)
    assert validator.verify_server(chains[1], NOW, "example.uz")
    assert validator.verify_time_stamp_authority(chains[2], NOW)


def test_certificates_that_name_nothing() -> None:
    assert Services.named_in(user().leaf) is None
    made = Authority.create(now=MADE, entropy=os.urandom)
    assert made.services is None
    other = user(extensions=places(responder="http://ocsp.example.uz/ocsp")).leaf
    assert other.ocsp_urls
    assert Services.named_in(other) is None
