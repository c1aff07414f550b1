"""The certificates in a message: whose they are, and what may have issued them."""

from __future__ import annotations

import pytest
from asn1crypto import x509

from tests.support.messages import made, signer
from tests.support.pki import altered, authority, stranger, user
from tunnel_gateway.cms.shown_certificates import ShownCertificates
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.pki.encoding.outline import Outline

LEAF, CENTRE, ROOT = signer().leaf.der, authority().centre.leaf.der, authority().root.leaf.der
(ONE,) = parse_signed_data(made().der).signers


def chain(*others: bytes) -> list[bytes]:
    return ShownCertificates(others).chain(Outline.read(LEAF))


def test_the_certificate_is_found_wherever_it_stands() -> None:
    others = [CENTRE, user().leaf.der]
    assert ShownCertificates([*others, LEAF]).of_signer(ONE).der == LEAF
    with pytest.raises(SignedDataError, match="not in the message"):
        ShownCertificates(others).of_signer(ONE)


def test_what_is_not_a_certificate_is_left_out() -> None:
    strange = [b"", b"\x30\x00", LEAF[:-1], bytes(20_000)]
    assert ShownCertificates([*strange, LEAF]).of_signer(ONE).der == LEAF
    assert chain(*strange, CENTRE) == [LEAF, CENTRE]


def test_the_chain_has_its_own_issuers_only() -> None:
    many = [user().leaf.der for _ in range(12)]
    assert chain(*many, ROOT, LEAF, CENTRE) == [LEAF, CENTRE, ROOT]
    assert chain(*many) == [LEAF]
    # Centres of the same name are all candidates: the validation finds the right one.
    twin = stranger().centre.leaf.der
    assert chain(twin, CENTRE) == [LEAF, twin, CENTRE]
    assert len(chain(twin, twin)) == 2


def test_a_chain_is_bounded() -> None:
    twins = [altered(authority().centre.leaf, serial_number=number(serial)) for serial in range(9)]
    assert chain(*twins) == [LEAF, *twins[:7]]


def number(serial: int) -> bytes:
    return bytes([2, 1, serial + 1])


def test_a_centre_that_writes_its_name_in_another_way() -> None:
    name = x509.Name.build({"common_name": "DEVELOPMENT centre"}, use_printable=True)
    parsed = x509.Certificate.load(CENTRE)
    written = x509.Name.load(
        parsed.subject.dump().replace(b"Development Centre", b"DEVELOPMENT centre")
    )
    assert name.native["common_name"] == written.native["common_name"]
    twin = altered(authority().centre.leaf, subject=written.dump())
    assert chain(twin) == [LEAF, twin]
    assert chain(twin, CENTRE) == [LEAF, CENTRE]


def test_very_long_names_are_compared_as_they_are_written() -> None:
    long = [
        altered(
            authority().centre.leaf,
            subject=x509.Name.build({"common_name": f"{index}" + "o" * 2000}).dump(),
        )
        for index in range(3)
    ]
    assert chain(*long) == [LEAF]
