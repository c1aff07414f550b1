"""Views of certificates: fields, names and order of the guide."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from asn1crypto import keys, x509

from tests.support.pki import OFFICER, altered, authority, user
from tunnel_gateway.gost.curves import CRYPTOPRO_B, CRYPTOPRO_C
from tunnel_gateway.pki.authority import Person
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding.oids import FAMILIES, FAMILY_2024, Family
from tunnel_gateway.rest.views.certificate_view import (
    CertificateViews,
    certificate_view,
    subject_view,
)

UNTIL = datetime(2028, 1, 30, 18, 59, 59, tzinfo=UTC)


def test_the_whole_view() -> None:
    leaf = user(person=OFFICER, not_after=UNTIL).leaf
    view = certificate_view(leaf)
    assert [name for name in view if not name.endswith("Utc")] == [
        "subjectInfo",
        "issuerInfo",
        "serialNumber",
        "subjectName",
        "validFrom",
        "validTo",
        "issuerName",
        "publicKey",
        "signature",
    ]
    assert view["subjectInfo"] == {
        "CN": "TO‘LAGANOVA OYGUL",
        "Name": "OYGUL",
        "SURNAME": "TO‘LAGANOVA",
        "L": "Toshkent shahri",
        "C": "UZ",
        "O": "NAMUNA MCHJ",
        "UID": "400000002",
        "1.2.860.3.16.1.1": "300000001",
        "1.2.860.3.16.1.2": "10000000000002",
    }
    assert view["issuerInfo"] == {"CN": "Development Centre", "O": "tunnel-gateway", "C": "UZ"}
    assert view["subjectName"].startswith("CN=TO‘LAGANOVA OYGUL,Name=OYGUL,")
    assert view["issuerName"] == "CN=Development Centre,O=tunnel-gateway,C=UZ"
    assert view["serialNumber"] == format(leaf.serial, "x")
    assert view["validTo"] == "2028-01-30 23:59:59"
    assert view["validToUtc"] == "2028-01-30T18:59:59Z"
    assert list(view["publicKey"]) == ["keyAlgName", "publicKey", "paramSetOID"]
    assert list(view["signature"]) == ["signAlgName", "signature"]
    info = keys.PublicKeyInfo.load(b64decode(view["publicKey"]["publicKey"]))
    assert info["public_key"].parsed.native == leaf.public_key.encoded
    assert view["signature"]["signature"] == x509.Certificate.load(leaf.der).signature.hex()
    assert len(view["signature"]["signature"]) == 128


def test_the_short_view() -> None:
    leaf = user(not_after=UNTIL).leaf
    whole = certificate_view(leaf)
    view = subject_view(whole)
    assert view == {
        "serialNumber": whole["serialNumber"],
        "X500Name": whole["subjectName"],
        "subjectName": whole["subjectInfo"],
        "validFrom": whole["validFrom"],
        "validFromUtc": whole["validFromUtc"],
        "validTo": whole["validTo"],
        "validToUtc": whole["validToUtc"],
        "publicKeyParameter": {
            "keyAlgName": "OZDST-1092-2009-2",
            "paramSetOID": "1.2.860.3.15.1.1.2.1.1",
        },
    }
    assert list(view)[:3] == ["serialNumber", "X500Name", "subjectName"]


@pytest.mark.parametrize(
    ("family", "number"), [*product(FAMILIES[:1], "12356"), *product(FAMILIES[1:], "123456")]
)
def test_each_parameter_set_of_both_families(family: Family, number: str) -> None:
    oid = f"{family.key_oid}.{number}"
    identity = user(family=family, curve=family.parameter_sets[oid])
    body = x509.Certificate.load(identity.leaf.der)["tbs_certificate"]
    key = body["subject_public_key_info"].copy()
    key["algorithm"]["parameters"]["parameter_set"] = oid
    written = altered(
        identity.leaf, authority().centre, subject_public_key_info=key.dump(force=True)
    )
    view = certificate_view(Certificate.from_der(written))
    assert view["publicKey"]["paramSetOID"] == oid
    assert view["publicKey"]["keyAlgName"] == family.name


def test_the_names_of_the_2024_family() -> None:
    centre = authority().centre
    view = certificate_view(replace(user(family=FAMILY_2024, curve=CRYPTOPRO_C).leaf))
    assert view["publicKey"]["keyAlgName"] == "OZMST-286-2024-2"
    assert view["signature"]["signAlgName"] == centre.leaf.family.signature_name


def test_an_oddly_encoded_parameter_set() -> None:
    # The same number with a byte in front, which DER forbids. asn1crypto reads it all the same.
    identity = user(curve=CRYPTOPRO_B)
    key = x509.Certificate.load(identity.leaf.der)["tbs_certificate"]["subject_public_key_info"]
    good = bytes.fromhex("300c060a2a865c030f0101020102")
    odd = bytes.fromhex("300d060b2a865c030f010102018002")
    before = key.dump()
    assert good in before
    changed = bytearray(before.replace(good, odd))
    changed[1] += 1
    changed[3] += 1
    certificate = Certificate.from_der(
        altered(identity.leaf, authority().centre, subject_public_key_info=bytes(changed))
    )
    assert certificate_view(certificate)["publicKey"]["paramSetOID"] == "1.2.860.3.15.1.1.2.1.2"


def test_a_name_cannot_forge_json() -> None:
    name = 'X", "status": 1, "y": "<script>\u2028,=\\'
    leaf = user(person=Person(name, pinfl="10000000000001")).leaf
    view = subject_view(certificate_view(leaf))
    assert json.loads(json.dumps(view))["subjectName"]["CN"] == name
    assert 'X\\"\\, \\"status\\": 1' in view["X500Name"]


def test_proven_views_are_kept_within_bounds() -> None:
    views = CertificateViews()
    used, unused = user().leaf, authority().centre.leaf
    first, other = views.of_proven(used), views.of_proven(unused)
    assert first == certificate_view(used)
    for number in range(2047):
        views.of_proven(replace(unused, fingerprint=f"{number:064x}"))
        assert views.of_proven(used) is first
    again = views.of_proven(unused)
    assert again is not other
    assert again == other
