"""What nobody needs is left alone, and what is needed and unreadable is named."""

from __future__ import annotations

import pytest
from asn1crypto import core, x509

from tests.support.paths import make
from tests.support.pki import NOW, altered, authority, ders, domain, extension, user
from tests.support.strangers import full
from tunnel_gateway.errors import CertificateUnsuitableError
from tunnel_gateway.pki.authority import CENTRE, USER
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.certificates.extensions import (
    binds_names,
    list_addresses,
    responder_addresses,
)
from tunnel_gateway.pki.encoding.ber import write
from tunnel_gateway.pki.trust.validation import ChainValidator

NAMES, POINTS, INFORMATION = "2.5.29.17", "2.5.29.31", "1.3.6.1.5.5.7.1.1"
POLICIES = "2.5.29.32"
URI = write(0x86, b"http://crl.example.uz/a.crl")
LDAP = write(0x86, "ldap://x/cn=Маркази".encode())
IDN = write(0x86, "http://почта.uz/a.crl".encode())
MAIL = write(0x81, "a@почта.uz".encode())
NAME = write(0x30, b"\x06\x03\x55\x04\x03\x0c\x01a")
ODD_DIRECTORY = write(0xA4, write(0x30, write(0x31, write(0x30, b"\x06\x01\x2a\x05\x00"))))


def points(*names: bytes) -> bytes:
    place = write(0xA0, write(0xA0, b"".join(names)))
    return write(0x30, write(0x30, place))


def access(*names: bytes) -> bytes:
    method = bytes.fromhex("06082b06010505073001")
    return write(0x30, b"".join(write(0x30, method + name) for name in names))


def policy(qualifier: bytes) -> bytes:
    return write(0x30, write(0x30, bytes.fromhex("06082a865c0302020101") + write(0x30, qualifier)))


# Each in a certificate that is otherwise right.
ODD = {
    "an address of a list in Cyrillic letters": (POINTS, points(LDAP, URI)),
    "an address of a list with an IDN host": (POINTS, points(IDN)),
    "a directory name as the place of a list": (POINTS, points(ODD_DIRECTORY)),
    "an IDN mail name": (NAMES, write(0x30, MAIL)),
    "a URI that is none": (NAMES, write(0x30, write(0x86, b"\xff\x00"))),
    "an odd directory name": (NAMES, write(0x30, ODD_DIRECTORY)),
    "an address of four bytes and a half": (NAMES, write(0x30, write(0x87, b"\x01\x02\x03"))),
    "an address of a policy in Cyrillic letters": (
        POLICIES,
        policy(write(0x30, bytes.fromhex("06082b06010505070201") + write(0x16, "тест".encode()))),
    ),
    "a qualifier that is none": (POLICIES, policy(b"\x05\x00")),
    "an odd responder": (INFORMATION, access(ODD_DIRECTORY, LDAP)),
    "directory attributes that are no DER": ("2.5.29.9", b"\xff\xff\xff"),
    "an unknown extension that is no DER": ("1.2.860.3.9.9", b"\x30\x05\xff"),
    "names of the issuer that are none": ("2.5.29.18", b"\x30\x01\x05"),
    "a period of the key that is none": ("2.5.29.16", b"\x05\x00"),
    "places of news that are none": ("2.5.29.46", b"\x30\x03\xff\xff\xff"),
    "a comment of Netscape that is none": ("2.16.840.1.113730.1.1", b"\xff"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_nobody_needs_is_left_alone(kind: str) -> None:
    oid, content = ODD[kind]
    policies = USER.policies if oid != POLICIES else None
    identity = user(extensions=(extension(oid, content),), policies=policies)
    accepted = ChainValidator([authority().root.leaf]).verify_client(ders(identity), NOW)
    assert accepted.leaf.pinfl == "10000000000001"
    centre = make(authority().root, "A centre", CENTRE, extensions=(extension(oid, content),))
    below = make(centre, "A user", USER)
    assert ChainValidator([authority().root.leaf]).verify_client(ders(below), NOW)
    assert ChainValidator([centre.leaf]).verify_client(ders(below)[:1], NOW)


def test_addresses_that_can_be_asked_are_found_among_others() -> None:
    assert list_addresses(points(LDAP, IDN, ODD_DIRECTORY, URI)) == ("http://crl.example.uz/a.crl",)
    assert responder_addresses(access(LDAP, URI)) == ("http://crl.example.uz/a.crl",)
    with_reasons = write(0x30, write(0x30, points(URI)[4:] + b"\x81\x02\x00\x80"))
    assert list_addresses(with_reasons) == ()
    assert list_addresses(None) == responder_addresses(None) == ()


@pytest.mark.parametrize(
    ("oid", "name"),
    [
        ("2.5.29.14", "subjectKeyIdentifier"),
        ("2.5.29.15", "keyUsage"),
        ("2.5.29.17", "subjectAltName"),
        ("2.5.29.19", "basicConstraints"),
        ("2.5.29.30", "nameConstraints"),
        ("2.5.29.31", "cRLDistributionPoints"),
        ("2.5.29.32", "certificatePolicies"),
        ("2.5.29.33", "policyMappings"),
        ("2.5.29.35", "authorityKeyIdentifier"),
        ("2.5.29.36", "policyConstraints"),
        ("2.5.29.37", "extKeyUsage"),
        ("2.5.29.54", "inhibitAnyPolicy"),
        ("1.3.6.1.5.5.7.1.1", "authorityInfoAccess"),
    ],
)
@pytest.mark.parametrize("content", [b"", b"\x30\x05", b"\xff\xff"])
def test_what_is_needed_and_unreadable_is_named(oid: str, name: str, content: bytes) -> None:
    body = x509.Certificate.load(user().leaf.der)["tbs_certificate"]
    kept = b"".join(one.dump() for one in body["extensions"] if one["extn_id"].dotted != oid)
    changed = extension(oid, content).dump()
    extensions = write(0xA3, write(0x30, kept + changed))
    with pytest.raises(CertificateUnsuitableError, match=f"its {name} is unreadable"):
        Certificate.from_der(altered(user().leaf, extensions=extensions))


@pytest.mark.parametrize("oid", [NAMES, POINTS, INFORMATION, POLICIES, "2.5.29.37"])
def test_elements_are_counted_before_they_are_read(oid: str) -> None:
    with pytest.raises(CertificateUnsuitableError, match=r"is unreadable \(more than 256 values"):
        user(
            policies=None,
            extended_key_usage=None,
            extensions=(extension(oid, full(write(0x30, b"\x06\x01\x2a"))),),
        )


@pytest.mark.parametrize(
    ("subtrees", "reason"),
    [
        (write(0x30, b"\x82\x01a") * 65, "more than 64 values"),
        (write(0x30, b"\x82\x01a") * 3000, "more than 2048 bytes"),
        (write(0x30, write(0xA4, write(0x30, write(0x31, NAME) * 200))), "more than 2048 bytes"),
    ],
)
def test_subtrees_are_counted_before_they_are_read(subtrees: bytes, reason: str) -> None:
    bound = extension("2.5.29.30", write(0x30, write(0xA0, subtrees)), critical=True)
    with pytest.raises(CertificateUnsuitableError, match=rf"nameConstraints .* \({reason}"):
        user(extensions=(bound,))


def test_under_name_constraints_every_name_counts() -> None:
    base = {"base": x509.GeneralName("dns_name", "example.uz")}
    value = x509.NameConstraints({"permitted_subtrees": [base]}).dump()
    bound = extension("2.5.29.30", value, critical=True)
    centre = make(authority().root, "A bound centre", CENTRE, extensions=(bound,))
    assert binds_names(centre.leaf.der)
    assert not binds_names(authority().centre.leaf.der)
    validator = ChainValidator([authority().root.leaf])
    odd = extension(NAMES, write(0x30, MAIL))
    other = extension(NAMES, x509.GeneralNames([x509.GeneralName("dns_name", "a.com")]).dump())
    for names in (odd, other):
        with pytest.raises(CertificateUnsuitableError):
            validator.verify_client(ders(make(centre, "A user", USER, extensions=(names,))), NOW)
    fitting = x509.GeneralNames([x509.GeneralName("dns_name", "a.example.uz")]).dump()
    right = make(centre, "A user", USER, extensions=(extension(NAMES, fitting),))
    assert validator.verify_client(ders(right), NOW)


def test_a_domain_of_many_names() -> None:
    names = [f"a{number}.example.uz" for number in range(200)]
    assert domain(dns_names=names).leaf.dns_names == tuple(names)


def test_a_mail_name_in_the_subject_that_is_no_ascii() -> None:
    value = core.IA5String(contents="a@почта.uz".encode()).dump()
    mail = write(0x31, write(0x30, bytes.fromhex("06092a864886f70d010901") + value))
    subject = x509.Certificate.load(user().leaf.der).subject
    changed = altered(
        user().leaf, authority().centre, subject=write(0x30, bytes(subject.chosen.contents) + mail)
    )
    chain = [changed, authority().centre.leaf.der]
    assert ChainValidator([authority().root.leaf]).verify_client(chain, NOW).leaf.pinfl
