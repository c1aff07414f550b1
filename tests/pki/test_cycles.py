"""A chain that is refused leaves nothing that only a search for garbage would find."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.support.garbage import cycles
from tests.support.pki import DAY, NOW, altered, authority, ders, stranger, user
from tunnel_gateway.errors import CertificateError
from tunnel_gateway.pki.trust.validation import ChainValidator

LEAF = user().leaf
CHAINS = {
    "expired": ders(user(not_after=NOW - DAY)),
    "not for this": ders(user(extended_key_usage=frozenset({"serverAuth"}))),
    "another authority's": ders(user(stranger())),
    "a wrong signature": [altered(LEAF), *ders(user())[1:]],
    "an anchor": ders(authority().root),
    "no certificate": [b"nonsense"],
    "no centre": [LEAF.der],
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_none_is_left(chain: list[bytes]) -> None:
    validator = ChainValidator([authority().root.leaf])
    for _ in range(2):  # what is made once only
        with suppress(CertificateError):
            validator.verify_client(chain, NOW)
    with cycles() as left, pytest.raises(CertificateError):
        validator.verify_client(chain, NOW)
    assert not left
