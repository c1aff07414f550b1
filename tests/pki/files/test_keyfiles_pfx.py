"""Identities from a PFX: which key, which certificates, in which order."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import core, x509
from cryptography import x509 as x509_of_cryptography
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.support.keystores import (
    PASSWORD,
    certificate_bag,
    closed_lot,
    des_bag,
    gost_info,
    jks,
    key_bag,
    lot,
    openssl_lot,
    pfx,
    sec1_info,
    shrouded_bag,
)
from tests.support.paths import make
from tests.support.pki import DAY, MADE, NOW, altered, authority, user
from tunnel_gateway.errors import FileError
from tunnel_gateway.gost.curves import CURVES, Curve
from tunnel_gateway.pki.authority import CENTRE, USER
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding.oids import FAMILIES, FAMILY_2009, FAMILY_2024, Family
from tunnel_gateway.pki.files.keyfiles import Identity, identity_to_pfx, load_identity

CITIZEN = user()
OTHER = user()
ROOT = authority().root.leaf
INFO = sec1_info(CITIZEN.private_key, FAMILY_2009)
LEAF, CENTRES = CITIZEN.chain


def load(folder: Path, data: bytes, alias: str | None = None) -> Identity:
    path = folder / "user.pfx"
    path.touch(0o600)
    path.write_bytes(data)
    return load_identity(path, None, PASSWORD, alias)


def bags(*certificates: Certificate) -> list[object]:
    return [certificate_bag(one) for one in certificates]


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_what_is_written_is_read(tmp_path: Path, family: Family, curve: Curve) -> None:
    identity = user(family=family, curve=curve)
    data = identity_to_pfx(identity, "men", PASSWORD, os.urandom, rounds=10)
    found = load(tmp_path, data)
    assert found.chain == identity.chain
    assert found.private_key.to_bytes() == identity.private_key.to_bytes()
    assert found.private_key.curve is curve


@pytest.mark.parametrize("scheme", ["PBE-SHA1-RC2-40", "PBE-SHA1-RC2-128", "PBE-SHA1-3DES"])
def test_the_form_of_twenty_years(tmp_path: Path, scheme: str) -> None:
    certificates = openssl_lot(tmp_path, (ROOT, CENTRES, LEAF), scheme)
    info = gost_info(CITIZEN.private_key, FAMILY_2009)
    found = load(tmp_path, pfx(certificates, lot(des_bag(info)), mac="sha1"))
    assert found.chain == (LEAF, CENTRES, ROOT)


def test_the_chain_comes_in_order_from_any_order(tmp_path: Path) -> None:
    stranger = OTHER.leaf
    everyone = (stranger, ROOT, LEAF, CENTRES)
    data = pfx(lot(shrouded_bag(INFO)), closed_lot(*bags(*everyone)))
    assert load(tmp_path, data).chain == (LEAF, CENTRES, ROOT)


def renewed(days: int) -> Certificate:
    """Another certificate for the citizen's key, valid for so many days from now on."""
    times = {"not_before": MADE, "not_after": NOW + days * DAY}
    validity = x509.Validity(
        {name: x509.Time(name="utc_time", value=moment) for name, moment in times.items()}
    )
    der = altered(LEAF, authority().centre, validity=validity.dump())
    return Certificate.from_der(der)


def test_the_mark_decides_between_two_certificates_of_a_key(tmp_path: Path) -> None:
    new = renewed(3000)
    marked = [certificate_bag(LEAF, None, b"1"), certificate_bag(new, None, b"2")]
    for mark, leaf in ((b"1", LEAF), (b"2", new)):
        data = pfx(lot(shrouded_bag(INFO, "men", mark), *marked, *bags(CENTRES)))
        assert load(tmp_path, data).leaf == leaf


def test_without_a_mark_the_one_that_is_valid_longest(tmp_path: Path) -> None:
    new, old = renewed(3000), renewed(1)
    for order in ((old, LEAF, new), (new, LEAF, old)):
        data = pfx(lot(shrouded_bag(INFO), *bags(*order, CENTRES)))
        assert load(tmp_path, data).chain == (new, CENTRES)


def test_a_mark_that_no_certificate_has(tmp_path: Path) -> None:
    data = pfx(lot(shrouded_bag(INFO, "men", b"1"), certificate_bag(LEAF, None, b"2")))
    assert load(tmp_path, data).leaf == LEAF


class TestSeveralKeys:
    DATA = pfx(
        lot(
            shrouded_bag(INFO, "men", b"1"),
            shrouded_bag(sec1_info(OTHER.private_key, FAMILY_2009), "do‘stim", b"2"),
            certificate_bag(OTHER.leaf, "do‘stim", b"2"),
            certificate_bag(LEAF, "men", b"1"),
            certificate_bag(CENTRES),
        )
    )

    @pytest.mark.parametrize(("alias", "identity"), [("men", CITIZEN), ("do‘stim", OTHER)])
    def test_by_alias(self, tmp_path: Path, alias: str, identity: Identity) -> None:
        assert load(tmp_path, self.DATA, alias).chain == identity.chain

    def test_without_an_alias(self, tmp_path: Path) -> None:
        reason = r"2 private keys; there must be one \(it has 'men', 'do‘stim'\)"
        with pytest.raises(FileError, match=reason):
            load(tmp_path, self.DATA)

    def test_with_an_alias_that_is_not_there(self, tmp_path: Path) -> None:
        reason = r"0 private keys with the alias 'x'; there must be one \(it has 'men'"
        with pytest.raises(FileError, match=reason):
            load(tmp_path, self.DATA, "x")

    def test_only_the_chosen_one_is_opened(self, tmp_path: Path) -> None:
        broken = shrouded_bag(INFO, "broken", rounds=1)
        broken["bag_value"]["encrypted_data"] = b"x"
        data = pfx(lot(broken, shrouded_bag(INFO, "men"), *bags(LEAF)))
        assert load(tmp_path, data, "men").leaf == LEAF


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pfx(lot(*bags(LEAF))), r"0 private keys; there must be one \(it has none\)"),
        (pfx(lot(key_bag(INFO))), "there is no certificate for the private key"),
        (pfx(lot(key_bag(INFO), *bags(OTHER.leaf))), "does not belong to its certificate"),
        (
            pfx(lot(key_bag(INFO, None, b"1"), certificate_bag(CENTRES, None, b"1"), *bags(LEAF))),
            "does not belong to its certificate",
        ),
        (pfx(lot(key_bag(INFO), *bags(LEAF)), password=b"x"), "the password is wrong"),
        (pfx(lot(key_bag(INFO), *bags(LEAF)))[:-1], "damaged"),
        (jks(), "a keystore in Java's old format, which may be a truststore only; convert it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(FileError, match=rf"user.pfx: .*{reason}"):
        load(tmp_path, data)


def test_the_chain_is_bounded(tmp_path: Path) -> None:
    namesakes = [make(None, "C").leaf for _ in range(9)]
    centre = make(None, "C", CENTRE)
    leaf = make(centre, "leaf", USER, family=FAMILY_2024)
    info = sec1_info(leaf.private_key, FAMILY_2024)
    data = pfx(lot(key_bag(info), *bags(leaf.leaf, *namesakes)))
    with pytest.raises(FileError, match="more than 8 certificates that could be the chain of"):
        load(tmp_path, data)


def test_a_file_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "user.pfx"
    path.write_bytes(pfx(lot(key_bag(INFO), *bags(LEAF))))
    path.chmod(0o644)
    with pytest.raises(FileError, match="chmod 600"):
        load_identity(path, None, PASSWORD)


def test_a_chain_beside_a_pfx(tmp_path: Path) -> None:
    load(tmp_path, pfx(lot(key_bag(INFO), *bags(LEAF))))
    path = tmp_path / "user.pfx"
    with pytest.raises(FileError, match=r"a PFX has its chain in it, leave out .*chain.pem"):
        load_identity(path, tmp_path / "chain.pem", PASSWORD)


def rsa_certificate() -> bytes:
    """Of another centre, with a key that is none of ours."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509_of_cryptography.Name(
        [x509_of_cryptography.NameAttribute(NameOID.COMMON_NAME, "Another centre")]
    )
    made = x509_of_cryptography.CertificateBuilder(
        name, name, key.public_key(), 1, MADE, NOW + DAY
    ).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.DER)


def foreign() -> list[Certificate]:
    zero = altered(ROOT, serial_number=core.Integer(0).dump())
    return [replace(ROOT, der=one) for one in (rsa_certificate(), zero)]


def test_certificates_that_are_not_ours_are_left_out(tmp_path: Path) -> None:
    everyone = [*foreign(), ROOT, LEAF, CENTRES]
    data = pfx(lot(shrouded_bag(INFO)), closed_lot(*bags(*everyone)))
    assert load(tmp_path, data).chain == (LEAF, CENTRES, ROOT)


def test_if_nothing_is_left_the_reason_is_said(tmp_path: Path) -> None:
    data = pfx(lot(shrouded_bag(INFO)), closed_lot(*bags(*foreign())))
    with pytest.raises(FileError, match="malformed certificate: the key algorithm rsa is not an"):
        load(tmp_path, data)


def test_the_one_of_the_key_must_be_ours(tmp_path: Path) -> None:
    marked = certificate_bag(foreign()[1], local_id=b"1")
    data = pfx(lot(shrouded_bag(INFO, local_id=b"1")), closed_lot(marked, *bags(LEAF, CENTRES)))
    with pytest.raises(FileError, match="the serial number is not a positive number"):
        load(tmp_path, data)


def test_issuers_are_compared_as_names_and_not_as_text(tmp_path: Path) -> None:
    """The centre writes its own name in capitals; to RFC 5280 it is the same."""
    name = x509.Certificate.load(CENTRES.der).subject.dump()
    other = name.replace(b"Development", b"DEVELOPMENT")
    capitals = Certificate.from_der(altered(CENTRES, authority().root, subject=other))
    assert capitals.subject != LEAF.issuer
    assert LEAF.names(capitals)
    assert not capitals.names(LEAF)
    data = pfx(lot(shrouded_bag(INFO)), closed_lot(*bags(LEAF, ROOT, capitals)))
    assert load(tmp_path, data).chain == (LEAF, capitals, ROOT)
