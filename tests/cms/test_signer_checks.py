"""The checks of one signer: which certificate, which chain, which time."""

from __future__ import annotations

import pytest

from tests.support.messages import DOCUMENT, made, signer
from tests.support.pki import DAY, NOW, authority, stranger, user
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.signer_checks import (
    certificate_of,
    chain_of,
    check_signature,
    check_valid_at,
)
from tunnel_gateway.errors import BadSignedDataError, CertificateExpiredError, SignedDataError
from tunnel_gateway.gost.digest import digest


def test_the_certificate_is_found_wherever_it_stands() -> None:
    (one,) = parse_signed_data(made().der).signers
    others = [authority().centre.leaf, user().leaf]
    assert certificate_of(one, [*others, signer().leaf]) == signer().leaf
    with pytest.raises(SignedDataError, match="not in the message"):
        certificate_of(one, others)


def test_the_chain_has_its_own_issuers_only() -> None:
    leaf, centre, root = signer().leaf, authority().centre.leaf, authority().root.leaf
    many = [user().leaf for _ in range(12)]
    assert chain_of(leaf, [*many, root, leaf, centre]) == [leaf.der, centre.der, root.der]
    assert chain_of(leaf, many) == [leaf.der]
    # Centres of the same name are all candidates: the validation finds the right one.
    twin = stranger().centre.leaf
    assert chain_of(leaf, [twin, centre]) == [leaf.der, twin.der, centre.der]
    assert len(chain_of(leaf, [stranger().centre.leaf] * 2)) == 2


def test_the_signature() -> None:
    (one,) = parse_signed_data(made().der).signers
    check_signature(one, signer().leaf, digest(DOCUMENT))
    with pytest.raises(BadSignedDataError, match="not the one"):
        check_signature(one, signer().leaf, digest(b"another"))
    with pytest.raises(BadSignedDataError, match="not by the key"):
        check_signature(one, user().leaf, digest(DOCUMENT))


def test_the_time() -> None:
    leaf = signer().leaf
    for moment in (leaf.not_before, NOW, leaf.not_after):
        check_valid_at(leaf, moment)
    for moment in (leaf.not_before - DAY, leaf.not_after + DAY):
        with pytest.raises(CertificateExpiredError, match="time of signing"):
            check_valid_at(leaf, moment)
