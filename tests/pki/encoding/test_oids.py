"""The identifiers, and the keys that the vendor's guide prints."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from asn1crypto import algos, keys, x509

from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C, CURVES, Curve
from tunnel_gateway.pki.certificates.certificate import read_public_key
from tunnel_gateway.pki.encoding.oids import FAMILIES, FAMILY_2009, FAMILY_2024, Family

# E-IMZO integration guide, section 2.2.4: "publicKey" of the TSA, the CA, the root and the
# signer, in that order.
GUIDE_KEYS = [
    (
        "MGAwGQYJKoZcAw8BAQIBMAwGCiqGXAMPAQECAQEDQwAEQGH1kMo1AelwZDhM/vQLX1CIsnLlyBIWBd/UNZhcfWeGZhSa"
        "9BdIDak6Ro2e4lWm77lssBbqQfeVO+ieuYp6qv4="
    ),
    (
        "MGAwGQYJKoZcAw8BAQIBMAwGCiqGXAMPAQECAQEDQwAEQPukdUklFYxOLtzSKjnJqFamWaVX+zbyekEayLz69NIis8fx"
        "RZUMIVmGljwvQrPmtHXXDL281MNMM3vAcY0XR/A="
    ),
    (
        "MGAwGQYJKoZcAw8BAQIBMAwGCiqGXAMPAQECAQEDQwAEQK9gMs6YLoWRm3C2sN8jTwxs5rC/XhUERW11h0XeNGglOTMO"
        "8rtFKNKJjQNwcG5oyn8OLOfnlR0g2ymGNi7ud3c="
    ),
    (
        "MGAwGQYJKoZcAw8BAQIBMAwGCiqGXAMPAQECAQEDQwAEQH7cS8X50WPYfroxrnD6DKpUChb845rKi6Dac+B95rZ8QDoQ"
        "n1o6QcHbuMihP4g8ZyEIxEjChHRrl1b1kOSJUrc="
    ),
]


@pytest.mark.parametrize("text", GUIDE_KEYS)
def test_the_keys_of_the_guide_lie_on_cryptopro_a(text: str) -> None:
    info = keys.PublicKeyInfo.load(base64.b64decode(text), strict=True)
    family, public_key = read_public_key(info)
    assert family is FAMILY_2009
    assert public_key.curve is CRYPTOPRO_A
    assert base64.b64decode(text).endswith(public_key.encoded)


@pytest.mark.parametrize("text", GUIDE_KEYS)
def test_a_key_of_the_guide_with_a_changed_bit_does_not(text: str) -> None:
    changed = bytearray(base64.b64decode(text))
    changed[-1] ^= 1
    with pytest.raises(ValueError, match="not a point of the curve"):
        read_public_key(keys.PublicKeyInfo.load(bytes(changed)))


@pytest.mark.parametrize(
    ("family", "number", "curve"),
    [
        (FAMILY_2009, 1, CRYPTOPRO_A),
        (FAMILY_2009, 2, CRYPTOPRO_B),
        (FAMILY_2009, 3, CRYPTOPRO_C),
        (FAMILY_2009, 5, CRYPTOPRO_A),
        (FAMILY_2009, 6, CRYPTOPRO_C),
        (FAMILY_2024, 1, CRYPTOPRO_A),
        (FAMILY_2024, 2, CRYPTOPRO_B),
        (FAMILY_2024, 3, CRYPTOPRO_C),
        (FAMILY_2024, 4, CRYPTOPRO_A),
        (FAMILY_2024, 5, CRYPTOPRO_B),
        (FAMILY_2024, 6, CRYPTOPRO_C),
    ],
)
def test_parameter_sets(family: Family, number: int, curve: Curve) -> None:
    assert family.parameter_sets[f"{family.key_oid}.{number}"] is curve


def test_there_is_no_other_parameter_set() -> None:
    assert [len(family.parameter_sets) for family in FAMILIES] == [5, 6]


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_keys_are_written_under_the_first_set_of_their_curve(family: Family, curve: Curve) -> None:
    number = CURVES.index(curve) + 1
    assert family.parameter_set(curve) == f"{family.key_oid}.{number}"


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_asn1crypto_knows_both_families_in_both_directions(family: Family) -> None:
    assert keys.PublicKeyAlgorithmId.map(family.key_oid) == family.name
    assert keys.PublicKeyAlgorithmId.unmap(family.name) == family.key_oid
    assert algos.SignedDigestAlgorithmId.map(family.signature_oid) == family.signature_name
    assert algos.SignedDigestAlgorithmId.unmap(family.signature_name) == family.signature_oid


def test_asn1crypto_reads_pinfl_and_inn_as_text() -> None:
    attribute = x509.NameTypeAndValue(
        {"type": "1.2.860.3.16.1.2", "value": x509.DirectoryString("utf8_string", "1" * 14)}
    )
    again = x509.NameTypeAndValue.load(attribute.dump())
    assert (again["type"].native, again["value"].native) == ("pinfl", "1" * 14)
    assert x509.NameType.map("1.2.860.3.16.1.1") == "inn"


def test_asn1crypto_still_reads_other_keys() -> None:
    point = b"\x04" + b"\x01" * 64
    info = keys.PublicKeyInfo(
        {
            "algorithm": {
                "algorithm": "ec",
                "parameters": keys.ECDomainParameters("named", "secp256r1"),
            },
            "public_key": keys.ECPointBitString(point),
        }
    )
    assert keys.PublicKeyInfo.load(info.dump())["public_key"].native == point


def test_only_this_module_writes_to_the_tables_of_asn1crypto() -> None:
    package = Path(__file__).parents[3] / "tunnel_gateway"
    tables = re.compile(r"\._(map|reverse_map|oid_specs|spec_callbacks)\b")
    writers = [path.name for path in package.rglob("*.py") if tables.search(path.read_text())]
    assert writers == ["oids.py"]
