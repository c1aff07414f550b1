"""Certificates that contradict themselves."""

from __future__ import annotations

import pytest
from asn1crypto import core, x509

from tests.support.paths import make
from tests.support.pki import altered, authority, extension, user
from tunnel_gateway.errors import CertificateUnsuitableError
from tunnel_gateway.pki.authority import CENTRE, USER
from tunnel_gateway.pki.certificates.certificate import Certificate

EMPTY = core.Sequence(contents=b"").dump()
DNS_NAME = x509.GeneralNames([x509.GeneralName("dns_name", "example.uz")]).dump()


def refused(der: bytes, reason: str) -> None:
    with pytest.raises(CertificateUnsuitableError, match=reason):
        Certificate.from_der(der)


@pytest.mark.parametrize("version", [b"", bytes.fromhex("a003020101")], ids=["v1", "v2"])
def test_versions(version: bytes) -> None:
    refused(altered(user().leaf, version=version), "it is not of version 3")
    refused(altered(user().leaf, version=version, extensions=b""), "it is not of version 3")


@pytest.mark.parametrize(
    ("oid", "name"),
    [
        ("2.5.29.37", "extKeyUsage"),
        ("2.5.29.17", "subjectAltName"),
        ("2.5.29.32", "certificatePolicies"),
    ],
)
def test_empty_lists(oid: str, name: str) -> None:
    with pytest.raises(CertificateUnsuitableError, match=f"its {name} is empty"):
        user(
            extended_key_usage=None,
            policies=None,
            extensions=(extension(oid, EMPTY),),
        )


@pytest.mark.parametrize("value", ["3000", "3002a000", "3002a100", "3004a000a100"])
def test_empty_name_constraints(value: str) -> None:
    constraints = extension("2.5.29.30", bytes.fromhex(value), critical=True)
    with pytest.raises(CertificateUnsuitableError, match="its nameConstraints are empty"):
        make(authority().root, "C", CENTRE, extensions=(constraints,))


@pytest.mark.parametrize("critical", [True, False])
def test_name_constraints_of_a_user(critical: bool) -> None:
    base = {"base": x509.GeneralName("dns_name", "example.uz")}
    value = x509.NameConstraints({"permitted_subtrees": [base]}).dump()
    constraints = extension("2.5.29.30", value, critical=critical)
    assert make(authority().root, "C", CENTRE, extensions=(constraints,)).leaf.constrains_names
    with pytest.raises(CertificateUnsuitableError, match="its nameConstraints are not in a CA"):
        user(extensions=(constraints,))


def test_a_user_with_the_usage_of_a_centre() -> None:
    usage = frozenset({"digitalSignature", "keyCertSign"})
    with pytest.raises(CertificateUnsuitableError, match="has keyCertSign, but it is not a CA"):
        user(key_usage=usage)
    assert make(authority().root, "C", CENTRE, key_usage=usage).leaf.may_issue


def test_no_subject() -> None:
    made = make(authority().centre, "L", USER, extensions=(extension("2.5.29.17", DNS_NAME),))
    refused(altered(made.leaf, subject=EMPTY), "it has no subject, and no critical subjectAltName")
    critical = extension("2.5.29.17", DNS_NAME, critical=True)
    made = make(authority().centre, "L", USER, extensions=(critical,))
    assert Certificate.from_der(altered(made.leaf, subject=EMPTY)).subject == ""
