"""What is read from a certificate, and that nothing but the one error comes out of bad ones."""

from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone

import pytest
from asn1crypto import algos, core, x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.pki import (
    DAY,
    MADE,
    NOW,
    OFFICER,
    altered,
    authority,
    ders,
    domain,
    extension,
    user,
)
from tunnel_gateway.errors import CertificateUnsuitableError
from tunnel_gateway.gost.curves import CURVES, Curve
from tunnel_gateway.pki.authority import Person
from tunnel_gateway.pki.certificates.certificate import (
    Certificate,
    format_time,
    label,
    parse_certificate,
)
from tunnel_gateway.pki.encoding.oids import FAMILIES, Family
from tunnel_gateway.pki.encoding.outline import MAX_CERTIFICATE_SIZE
from tunnel_gateway.pki.trust.validation import ChainValidator

USER = user()


def refused(der: bytes, reason: str) -> None:
    with pytest.raises(CertificateUnsuitableError, match=reason):
        Certificate.from_der(der)


def test_a_user() -> None:
    certificate = user(person=OFFICER).leaf
    assert certificate.subject == (
        "CN=TO‘LAGANOVA OYGUL,Name=OYGUL,SURNAME=TO‘LAGANOVA,L=Toshkent shahri,C=UZ,"
        "O=NAMUNA MCHJ,UID=400000002,1.2.860.3.16.1.1=300000001,1.2.860.3.16.1.2=10000000000002"
    )
    assert certificate.issuer == authority().centre.leaf.subject
    assert certificate.common_name == "TO‘LAGANOVA OYGUL"
    assert certificate.pinfl == "10000000000002"
    assert certificate.inn == "300000001"
    assert certificate.uid == "400000002"
    assert certificate.not_before == MADE
    assert certificate.not_after.strftime("%H:%M:%S %Z") == "18:59:59 UTC"
    assert certificate.dns_names == ()
    assert not certificate.has_alternative_names
    assert sorted(certificate.key_usage or ()) == [
        "dataEncipherment",
        "digitalSignature",
        "keyAgreement",
        "keyEncipherment",
        "nonRepudiation",
    ]
    assert certificate.extended_key_usage == frozenset({"clientAuth", "emailProtection"})
    assert certificate.policies == ("1.2.860.3.2.2.1.2.1",)
    assert not certificate.is_ca
    assert not certificate.may_issue
    assert certificate.path_length is None
    assert certificate.fingerprint == hashlib.sha256(certificate.der).hexdigest()
    assert certificate.serial_hex == format(certificate.serial, "x")


def test_a_natural_person_has_no_inn() -> None:
    assert (USER.leaf.inn, USER.leaf.uid) == (None, "400000001")


def test_a_centre() -> None:
    centre = authority().centre.leaf
    assert centre.may_issue
    assert centre.path_length == 0
    assert centre.dns_names == ("centre.example.uz",)
    assert (centre.pinfl, centre.policies, centre.extended_key_usage) == (None, None, None)


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_both_families_on_every_curve(family: Family, curve: Curve) -> None:
    identity = user(family=family, curve=curve)
    assert identity.leaf.family is family
    assert identity.leaf.public_key == identity.private_key.public_key()
    # The signature is by the centre's key, so under the centre's family.
    assert identity.leaf.signature_algorithm == FAMILIES[0].signature_name


def test_extensions_that_are_absent_are_none() -> None:
    leaf = user(key_usage=None, extended_key_usage=None, policies=None).leaf
    assert (leaf.key_usage, leaf.extended_key_usage, leaf.policies) == (None, None, None)


def test_an_unknown_purpose_keeps_its_identifier() -> None:
    leaf = user(extended_key_usage=frozenset({"1.2.860.3.2.2.5.7.3.5", "timeStamping"})).leaf
    assert leaf.extended_key_usage == frozenset({"1.2.860.3.2.2.5.7.3.5", "timeStamping"})


def test_dns_names_are_lower_case_a_labels() -> None:
    leaf = domain(dns_names=["API.Example.uz", "мисол.uz"]).leaf
    assert leaf.dns_names == ("api.example.uz", "мисол.uz".encode("idna").decode())
    assert leaf.has_alternative_names


def test_alternative_names_of_other_kinds_are_not_dns_names() -> None:
    names = x509.GeneralNames([x509.GeneralName("ip_address", "127.0.0.1")])
    leaf = domain(dns_names=[], extensions=(extension("2.5.29.17", names.dump()),)).leaf
    assert (leaf.dns_names, leaf.has_alternative_names) == ((), True)


def test_times_in_another_zone_are_turned_to_utc() -> None:
    tashkent = timezone(timedelta(hours=5))
    leaf = user(not_before=datetime(2026, 1, 1, tzinfo=tashkent)).leaf
    assert leaf.not_before == datetime(2025, 12, 31, 19, tzinfo=UTC)
    assert leaf.not_before.tzinfo is UTC


def test_times_after_2049() -> None:
    late = datetime(2060, 1, 1, tzinfo=UTC)
    assert user(not_after=late).leaf.not_after == late


def test_it_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        USER.leaf.pinfl = "1"  # type: ignore[misc]


def test_label_and_times_for_the_operator() -> None:
    assert label(0x218711A92, "CN=TestCA,O=test.e-imzo.uz") == (
        "certificate 218711a92 issued by <CN=TestCA,O=test.e-imzo.uz>"
    )
    assert len(label(1, "x" * 5000)) < 300
    assert "CN=Development Centre" in USER.leaf.label
    assert "ANIYEV" not in USER.leaf.label, "errors and logs do not name persons"
    assert format_time(datetime(2026, 3, 1, 18, 59, 59, tzinfo=UTC)) == (
        "2026-03-01 18:59:59 UTC (2026-03-01 23:59:59 in Tashkent)"
    )


def test_the_time_that_means_never() -> None:
    never = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert format_time(never) == "9999-12-31 23:59:59 UTC"


def test_size_is_bounded() -> None:
    filler = extension("1.2.3.4", bytes(MAX_CERTIFICATE_SIZE))
    with pytest.raises(CertificateUnsuitableError, match="16384 is the limit"):
        user(extensions=(filler,))
    refused(bytes(10_000_000), "is the limit")


def test_names_are_bounded() -> None:
    with pytest.raises(CertificateUnsuitableError, match="a name of more than 2048 bytes"):
        user(person=Person("X" * 2100, pinfl="1" * 14))


@pytest.mark.parametrize("letter", ["\ue000", "\U0001f642", "\ufdfa" * 3])
def test_letters_that_are_not_prepared_for_comparison(letter: str) -> None:
    # U+E000 is for private use, which RFC 4518, section 2.4, prohibits; U+1F642 is a smile, of
    # which RFC 4518 does not know yet.
    identity = user(person=Person(f"A{letter}B", pinfl="1" * 14))
    assert identity.leaf.common_name == f"A{letter}B"
    accepted = ChainValidator([authority().root.leaf]).verify_client(ders(identity), NOW)
    assert accepted.leaf == identity.leaf


def test_control_characters_in_a_name_that_somebody_reads() -> None:
    with pytest.raises(CertificateUnsuitableError, match="the CN of its subject is not plain text"):
        user(person=Person("example.uz\x00.evil.com", pinfl="1" * 14))


def test_two_different_personal_numbers() -> None:
    def subject(*values: str) -> x509.Name:
        parts = [
            x509.RelativeDistinguishedName(
                [
                    x509.NameTypeAndValue(
                        {"type": "pinfl", "value": x509.DirectoryString("utf8_string", value)}
                    )
                ]
            )
            for value in values
        ]
        return x509.Name(name="", value=x509.RDNSequence(parts))

    twice = altered(USER.leaf, subject=subject("1", "2").dump())
    refused(twice, "several different values of 1.2.860.3.16.1.2")
    assert Certificate.from_der(altered(USER.leaf, subject=subject("1", "1").dump())).pinfl == "1"


@pytest.mark.parametrize("serial", [0, -1, 2**159, 2**8000])
def test_serials_out_of_range(serial: int) -> None:
    refused(altered(USER.leaf, serial_number=core.Integer(serial).dump()), "serial number")


def test_the_longest_serial() -> None:
    longest = core.Integer(2**159 - 1).dump()
    assert Certificate.from_der(altered(USER.leaf, serial_number=longest)).serial == 2**159 - 1


def test_an_extension_twice() -> None:
    twice = extension("1.2.3.4", b"\x05\x00")
    with pytest.raises(CertificateUnsuitableError, match="one of them twice"):
        user(extensions=(twice, twice))


def test_too_many_extensions() -> None:
    many = tuple(extension(f"1.2.3.{number}", b"\x05\x00") for number in range(40))
    with pytest.raises(CertificateUnsuitableError, match="too many extensions"):
        user(extensions=many)


@pytest.mark.parametrize(
    ("oid", "content"),
    [
        ("2.5.29.15", b"\x04\x01\x80"),
        ("2.5.29.15", b"\x03\x02\x00"),
        ("2.5.29.15", b"\x03\x03\x00\x80\x40\x05\x00"),
        ("2.5.29.15", b""),
        ("2.5.29.37", b"\x30\x03\x02\x01\x01"),
        ("2.5.29.17", b"\x30\x04\x82\x02\xc3\x28"),
        ("2.5.29.17", b"\x30\x02\x9f\x1f"),
        ("2.5.29.19", b"\x30\x03\x01\x01"),
        ("2.5.29.32", b"\x05\x00"),
        ("2.5.29.35", b"\x30\x03\xa1\x01\x05"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_extensions_of_the_wrong_form(oid: str, content: bytes) -> None:
    with pytest.raises(CertificateUnsuitableError, match="malformed"):
        user(
            key_usage=None,
            extended_key_usage=None,
            policies=None,
            extensions=(extension(oid, content),),
        )


def test_the_bit_of_a_usage_that_does_not_exist() -> None:
    with pytest.raises(CertificateUnsuitableError, match="malformed"):
        user(key_usage=None, extensions=(extension("2.5.29.15", b"\x03\x03\x00\x00\x01"),))


def test_validity_that_ends_before_it_begins() -> None:
    with pytest.raises(CertificateUnsuitableError, match="ends before it begins"):
        user(not_before=NOW, not_after=NOW - DAY)


@pytest.mark.parametrize(
    "time",
    [
        b"\x18\x0f00000101000000Z",
        b"\x18\x0f20261301000000Z",
        b"\x18\x0e20260101000000",
        b"\x18\x1300010101000000+0500",
        b"\x17\x0d260230000000Z",
        b"\x17\x01Z",
        b"\x17\x00",
        b"\x05\x00",
    ],
)
def test_times_that_are_none(time: bytes) -> None:
    end = x509.Time("utc_time", NOW).dump()
    refused(altered(USER.leaf, validity=core.Sequence(contents=time + end).dump()), "malformed")


def test_a_time_that_is_one_in_the_same_place() -> None:
    end = x509.Time("utc_time", NOW).dump()
    validity = core.Sequence(contents=b"\x17\x0d260201000000Z" + end).dump()
    assert Certificate.from_der(altered(USER.leaf, validity=validity)).not_after == NOW


def test_the_two_signature_algorithms_must_agree() -> None:
    first, second = (family.signature_oid for family in FAMILIES)
    parsed = x509.Certificate.load(USER.leaf.der)
    assert parsed["signature_algorithm"]["algorithm"].dotted == first
    parsed["signature_algorithm"] = {"algorithm": second}
    refused(parsed.dump(), "differ")


def test_other_signature_algorithms() -> None:
    rsa = algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}).dump()
    refused(altered(USER.leaf, signature=rsa), "sha256_rsa is not an E-IMZO")


def test_other_keys() -> None:
    info = x509.Certificate.load(USER.leaf.der).public_key.dump()
    for_set = b"\x06\x0a\x2a\x86\x5c\x03\x0f\x01\x01\x02\x01\x01"
    assert info.count(for_set) == 1
    unknown = USER.leaf.der.replace(for_set, for_set[:-1] + b"\x04", 1)
    refused(unknown, "parameter set 1.2.860.3.15.1.1.2.1.4 is not known")
    of_key = b"\x06\x09\x2a\x86\x5c\x03\x0f\x01\x01\x02\x01\x30"
    refused(
        USER.leaf.der.replace(of_key, of_key[:-2] + b"\x09\x30", 1),
        "key algorithm 1.2.860.3.15.1.1.2.9 is not an E-IMZO one",
    )


def test_a_public_key_that_is_no_point() -> None:
    encoded = USER.leaf.public_key.encoded
    refused(USER.leaf.der.replace(encoded, bytes(64)), "not a point of the curve")


def test_deep_nesting() -> None:
    deep = b"\x05\x00"
    while len(deep) < 8000:
        deep = core.Sequence(contents=deep).dump()
    with pytest.raises(CertificateUnsuitableError):
        user(extensions=(extension("2.5.29.17", deep),))
    # In an extension that is unknown and not critical it is just bytes.
    assert user(extensions=(extension("1.2.3.4", deep),))
    refused(deep, "malformed")


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    refused(data, "malformed")


EDITS = st.lists(
    st.tuples(
        st.integers(0, len(USER.leaf.der) - 1),
        st.sampled_from(["flip", "set", "delete", "insert"]),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits=EDITS, which=st.sampled_from([USER.leaf.der, authority().centre.leaf.der]))
def test_any_mutation_is_read_or_refused(edits: list[tuple[int, str, int]], which: bytes) -> None:
    data = bytearray(which)
    for place, kind, value in edits:
        at = place % len(data)
        if kind == "flip":
            data[at] ^= 1 << value % 8
        elif kind == "set":
            data[at] = value
        elif kind == "delete":
            del data[at]
        else:
            data.insert(at, value)
    try:
        certificate = Certificate.from_der(bytes(data))
    except CertificateUnsuitableError:
        return
    assert certificate.der == bytes(data)


def test_what_is_parsed_is_decoded_to_the_end() -> None:
    parsed = parse_certificate(USER.leaf.der)
    assert parsed.dump() == USER.leaf.der
    assert not parsed["tbs_certificate"]._is_mutated()
