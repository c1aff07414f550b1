"""The kinds of certificates that docs/path-validation.md decides beyond the published cases."""

from __future__ import annotations

import pytest
from asn1crypto import core, x509

from tests.pki.trust.test_paths import name_constraints
from tests.support.paths import make
from tests.support.pki import NOW, authority, extension
from tunnel_gateway.errors import CertificateUnsuitableError
from tunnel_gateway.pki.authority import CENTRE, DOMAIN
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator

ROOT, ANY_CENTRE = authority().root, authority().centre
BOUND = make(ROOT, "C", CENTRE, extensions=(name_constraints("example.uz"),))


def _names(*names: bytes) -> x509.Extension:
    """A subjectAltName of dNSNames, whatever they are."""
    each = b"".join(b"\x82" + bytes([len(name)]) + name for name in names)
    return extension("2.5.29.17", core.Sequence(contents=each).dump())


def _accepted(leaf: Identity, domain: str = "example.uz") -> None:
    chain = [one.der for one in leaf.chain]
    ChainValidator([ROOT.leaf]).verify_server(chain, NOW, domain)


@pytest.mark.parametrize(
    "name", [b"a b.example.uz", b"..example.uz", b".example.uz", b"example.uz/", b""]
)
def test_a_dns_name_that_is_no_name(name: bytes) -> None:
    """It stands for no domain; under constraints it is compared by its end, as any other."""
    for centre in (ANY_CENTRE, BOUND):
        alone = make(centre, "L", DOMAIN, extensions=(_names(name),))
        with pytest.raises(CertificateUnsuitableError):
            _accepted(alone)
    _accepted(make(ANY_CENTRE, "L", DOMAIN, extensions=(_names(b"example.uz", name),)))
    beside = make(BOUND, "L", DOMAIN, extensions=(_names(b"example.uz", name),))
    if name.endswith(b".example.uz"):
        _accepted(beside)
    else:
        with pytest.raises(CertificateUnsuitableError, match="permitted namespace"):
            _accepted(beside)


@pytest.mark.parametrize("centre", [ANY_CENTRE, BOUND], ids=["free", "bound"])
def test_an_underscore_in_a_name(centre: Identity) -> None:
    leaf = make(centre, "L", DOMAIN, extensions=(_names(b"a_b.example.uz"),))
    _accepted(leaf, "a_b.example.uz")
    with pytest.raises(CertificateUnsuitableError, match="is not one of"):
        _accepted(leaf, "ab.example.uz")


def test_an_underscore_outside_the_constraints() -> None:
    leaf = make(BOUND, "L", DOMAIN, extensions=(_names(b"a_b.example.com"),))
    with pytest.raises(CertificateUnsuitableError, match="permitted namespace"):
        _accepted(leaf, "a_b.example.com")


def test_a_critical_authority_info_access() -> None:
    place = x509.GeneralName("uniform_resource_identifier", "http://127.0.0.1/")
    access = [{"access_method": "ocsp", "access_location": place}]
    value = x509.AuthorityInfoAccessSyntax(access).dump()
    critical = extension("1.3.6.1.5.5.7.1.1", value, critical=True)
    _accepted(make(ANY_CENTRE, "L", DOMAIN, extensions=(_names(b"example.uz"), critical)))


@pytest.mark.parametrize("purpose", ["clientAuth", "emailProtection", "codeSigning", "OCSPSigning"])
def test_a_domain_for_other_purposes(purpose: str) -> None:
    leaf = make(
        ANY_CENTRE,
        "L",
        DOMAIN,
        extensions=(_names(b"example.uz"),),
        extended_key_usage=frozenset({purpose}),
    )
    _accepted(leaf)
    with pytest.raises(CertificateUnsuitableError, match="is not one of"):
        _accepted(leaf, "example.com")
