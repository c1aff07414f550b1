"""The checks of one signer: the algorithms, the digest, the signature, the time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.messages import DOCUMENT, made, signer
from tests.support.pki import DAY, NOW, authority, user
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.signer_checks import (
    check_algorithms,
    check_digest,
    check_signature,
    is_national,
    not_valid_at,
)
from tunnel_gateway.errors import BadSignedDataError, SignedDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding.oids import FAMILIES

(ONE,) = parse_signed_data(made().der).signers


def test_the_algorithms() -> None:
    for family in FAMILIES:
        check_algorithms(
            replace(
                ONE, digest_algorithm=family.digest_oid, signature_algorithm=family.signature_oid
            )
        )
    for foreign in (
        replace(ONE, digest_algorithm=ONE.signature_algorithm),
        replace(ONE, signature_algorithm="1.2.840.113549.1.1.11"),
    ):
        assert is_national(ONE)
        assert not is_national(foreign)
        with pytest.raises(SignedDataError, match="not an E-IMZO one"):
            check_algorithms(foreign)
        with pytest.raises(SignedDataError, match="not an E-IMZO one"):
            check_signature(foreign, signer().leaf)


def test_the_digest() -> None:
    check_digest(ONE, digest(DOCUMENT))
    for other in (digest(b"another"), b"", digest(DOCUMENT)[:-1]):
        with pytest.raises(BadSignedDataError, match="not the one"):
            check_digest(ONE, other)


def test_the_signature() -> None:
    check_signature(ONE, signer().leaf)
    with pytest.raises(BadSignedDataError, match="not by the key"):
        check_signature(ONE, user().leaf)


def test_the_time() -> None:
    leaf, centre = signer().leaf, authority().centre.leaf
    for moment in (leaf.not_before, NOW, leaf.not_after):
        assert not_valid_at([leaf, centre], moment) is None
    for moment in (leaf.not_before - DAY, leaf.not_after + DAY):
        fault = not_valid_at([leaf, centre], moment)
        assert leaf.label in str(fault)
        assert "time of signing" in str(fault)
