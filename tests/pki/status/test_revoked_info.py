"""The facts of a revocation, and their text."""

from __future__ import annotations

import pytest
from asn1crypto import crl

from tests.support.pki import NOW
from tunnel_gateway.pki.status.revoked_info import RevokedInfo, reason_word


def test_the_text() -> None:
    assert RevokedInfo(NOW, "certificateHold").text.startswith("on 2026-03-01 12:00:00 UTC")
    assert RevokedInfo(NOW, "certificateHold").text.endswith(" (certificateHold)")
    assert RevokedInfo(None, None).text == "(no reason given)"


@pytest.mark.parametrize("number", range(11))
def test_the_words_are_those_of_another_table(number: int) -> None:
    """The other table writes key_compromise where RFC 5280 writes keyCompromise."""
    other = crl.CRLReason._map.get(number)
    word = reason_word(number)
    assert (word and word.lower()) == (other and other.replace("_", ""))


@pytest.mark.parametrize("number", [-1, 7, 11, 2**64])
def test_a_number_without_a_word(number: int) -> None:
    assert reason_word(number) is None
