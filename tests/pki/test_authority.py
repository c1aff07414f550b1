"""What the development authority issues, and that it is shaped like the real thing."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import x509

from tests.support.pki import MADE, NOW, OFFICER, PERSON, authority, domain, user
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C
from tunnel_gateway.pki.authority import CENTRE, ROOT, USER, Authority, Person, issue
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding.oids import FAMILY_2009, FAMILY_2024, Family
from tunnel_gateway.pki.trust.validation import ChainValidator


def parsed(certificate: Certificate) -> x509.Certificate:
    return x509.Certificate.load(certificate.der)


def critical(certificate: Certificate) -> set[str]:
    found: set[str] = parsed(certificate).critical_extensions
    return found


def test_the_shape_of_a_user() -> None:
    leaf = user().leaf
    assert critical(leaf) == {"key_usage", "extended_key_usage", "certificate_policies"}
    (policy,) = parsed(leaf).certificate_policies_value
    assert policy["policy_identifier"].dotted.startswith("1.2.860.3.2.2.1.2.")
    assert policy["policy_qualifiers"][0]["policy_qualifier_id"].native == "user_notice"
    assert leaf.not_after.strftime("%H:%M:%S") == "18:59:59"
    assert 2**30 <= leaf.serial < 2**31, "a serial of four bytes"


def test_the_key_identifier_of_the_issuer_comes_with_its_issuer_and_serial() -> None:
    for certificate in (user().leaf, domain().leaf):
        identifier = parsed(certificate).authority_key_identifier_value
        assert len(identifier["key_identifier"].native) == 20
        (name,) = identifier["authority_cert_issuer"]
        assert name.chosen == parsed(authority().centre.leaf).issuer
        assert identifier["authority_cert_serial_number"].native == authority().centre.leaf.serial


def test_the_centre_has_a_dns_name_and_no_key_identifier_of_its_own() -> None:
    centre = authority().centre.leaf
    assert parsed(centre).key_identifier_value is None
    assert parsed(authority().root.leaf).key_identifier_value is not None
    assert parsed(user().leaf).key_identifier_value is not None
    assert centre.dns_names == ("centre.example.uz",)
    assert critical(centre) == {"basic_constraints", "key_usage"}


def test_the_root_signs_itself_and_knows_no_issuer() -> None:
    root = authority().root.leaf
    assert root.subject == root.issuer
    assert parsed(root).authority_key_identifier_value is None
    assert (root.may_issue, root.path_length) == (True, 1)


def test_chains() -> None:
    made = authority()
    assert made.root.chain == (made.root.leaf,)
    assert made.centre.chain == (made.centre.leaf,)
    assert user().chain[1:] == domain().chain[1:] == (made.centre.leaf,)


def test_names_with_uzbek_letters() -> None:
    assert user().leaf.common_name == "G‘ANIYEV O‘KTAM"
    assert "Name=O‘KTAM,SURNAME=G‘ANIYEV" in user().leaf.subject


def test_a_name_of_one_word() -> None:
    leaf = user(person=Person("Gulnora", pinfl="1" * 14)).leaf
    assert "Name=Gulnora,SURNAME=Gulnora" in leaf.subject
    assert (leaf.uid, leaf.inn) == (None, None)


def test_persons() -> None:
    assert ("UID", "400000001") in PERSON.attributes()
    assert ("INN", "300000001") in OFFICER.attributes()
    assert ("O", "NAMUNA MCHJ") in OFFICER.attributes()


def test_a_period_ends_at_midnight_in_tashkent() -> None:
    late = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)  # the second of March in Tashkent
    leaf = (
        authority()
        .issue_user(PERSON, now=late, entropy=os.urandom, profile=replace(USER, days=1))
        .leaf
    )
    assert leaf.not_after == datetime(2026, 3, 2, 18, 59, 59, tzinfo=UTC)
    assert user(days=10).leaf.not_after - MADE <= timedelta(days=11)


def test_fixed_entropy_gives_fixed_bytes() -> None:
    def make() -> bytes:
        state = iter(range(10**6))

        def entropy(size: int) -> bytes:
            return bytes(next(state) % 251 for _ in range(size))

        made = Authority.create(now=NOW, entropy=entropy)
        return made.issue_user(PERSON, now=NOW, entropy=entropy).leaf.der

    assert make() == make()


@pytest.mark.parametrize("centre_family", [FAMILY_2009, FAMILY_2024], ids=str)
@pytest.mark.parametrize("root_family", [FAMILY_2009, FAMILY_2024], ids=str)
def test_families_and_curves_may_be_mixed(root_family: Family, centre_family: Family) -> None:
    made = Authority.create(
        now=MADE,
        entropy=os.urandom,
        root=replace(ROOT, family=root_family, curve=CRYPTOPRO_B),
        centre=replace(CENTRE, family=centre_family, curve=CRYPTOPRO_C),
    )
    identity = user(made, curve=CRYPTOPRO_A, family=FAMILY_2024)
    assert made.centre.leaf.signature_algorithm == made.root.leaf.family.signature_name
    assert identity.leaf.signature_algorithm == made.centre.leaf.family.signature_name
    peer = ChainValidator([made.root.leaf]).verify_client([one.der for one in identity.chain], NOW)
    assert [one.public_key.curve for one in peer.path] == [CRYPTOPRO_A, CRYPTOPRO_C, CRYPTOPRO_B]


def test_issue_makes_anything() -> None:
    deeper = issue(authority().centre, [("CN", "Deeper")], CENTRE, now=MADE, entropy=os.urandom)
    assert deeper.leaf.subject == "CN=Deeper"
    assert deeper.chain[1:] == authority().centre.chain


def test_an_unknown_label() -> None:
    with pytest.raises(KeyError):
        issue(None, [("XX", "a")], ROOT, now=MADE, entropy=os.urandom)
