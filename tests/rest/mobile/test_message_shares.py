from __future__ import annotations

import pytest

from tests.support.messages import signer
from tests.support.pki import user
from tunnel_gateway.rest.mobile.documents import MESSAGE_ROOM
from tunnel_gateway.rest.mobile.message_shares import MessageShares
from tunnel_gateway.rest.statuses import Reason, Refusal

SIZE = 64 * 1024
SECONDS = 300.0


def test_a_signer_fills_an_eighth_of_the_room_within_the_life_of_a_document() -> None:
    now = 0.0
    shares = MessageShares(lambda: now)
    kept = refused = 0
    while now < SECONDS:
        try:
            shares.take(signer().leaf, SIZE, SECONDS)
        except Refusal:
            refused += 1
        else:
            kept += SIZE
        now += 0.5
    assert refused
    assert 0.95 * MESSAGE_ROOM / 8 < kept <= MESSAGE_ROOM / 8


def test_other_signers_have_their_own_shares() -> None:
    shares = MessageShares(lambda: 0.0)
    shares.take(signer().leaf, MESSAGE_ROOM // 16, SECONDS)
    with pytest.raises(Refusal, match=signer().leaf.label) as caught:
        shares.take(signer().leaf, 1, SECONDS)
    assert caught.value.reason is Reason.TOO_MANY_CALLS
    shares.take(user().leaf, SIZE, SECONDS)
