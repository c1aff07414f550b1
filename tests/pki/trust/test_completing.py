"""Short chains and the certificates of centres that complete them."""

from __future__ import annotations

import pytest

from tests.support.pki import NOW, authority, ders, stranger, user
from tunnel_gateway.errors import CertificateUntrustedError
from tunnel_gateway.pki.trust.completing import Intermediates
from tunnel_gateway.pki.trust.validation import ChainValidator


def test_a_leaf_alone() -> None:
    identity, made = user(), authority()
    leaf, *centres = ders(identity)
    plain = ChainValidator([made.root.leaf])
    with pytest.raises(CertificateUntrustedError):
        plain.verify_client([leaf], NOW)
    with_centre = ChainValidator([made.root.leaf], intermediates=[made.centre.leaf])
    peer = with_centre.verify_client([leaf], NOW)
    assert [link.der for link in peer.path] == [leaf, *centres, made.root.leaf.der]
    assert with_centre.verify_client([leaf, *centres], NOW).path == peer.path


def test_a_centre_is_no_trust_anchor() -> None:
    centre = authority().centre.leaf
    validator = ChainValidator([stranger().root.leaf], intermediates=[centre])
    with pytest.raises(CertificateUntrustedError):
        validator.verify_client([user().leaf.der], NOW)


def test_the_bound_and_what_cannot_be_read() -> None:
    made = authority()
    intermediates = Intermediates([made.centre.leaf])
    leaf = user().leaf.der
    assert intermediates.complete([leaf], 2) == [leaf, made.centre.leaf.der]
    for chain, length in (([leaf], 1), ([b"x"], 8), ([], 8), ([leaf, made.centre.leaf.der], 8)):
        assert list(intermediates.complete(chain, length)) == chain
    assert Intermediates().complete([leaf], 8) == [leaf]
