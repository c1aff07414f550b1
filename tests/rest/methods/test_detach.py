"""A document taken out of its message."""

from __future__ import annotations

from tests.support.calls import answer, refusal
from tests.support.judged import holds
from tests.support.messages import DOCUMENT, made, streamed
from tunnel_gateway.rest.methods.detach import Detach
from tunnel_gateway.rest.methods.make_attached import MakeAttached
from tunnel_gateway.rest.statuses import Reason, status_of
from tunnel_gateway.rest.working import Threads


async def test_message_and_document_come_apart_and_together_again(threads: Threads) -> None:
    for message in (made().der, streamed()):
        fields = await answer(Detach(threads), message)
        assert list(fields) == ["pkcs7b64", "documentBase64"]
        assert fields["documentBase64"] == DOCUMENT
        holds(fields["pkcs7b64"], DOCUMENT)
        again = await answer(MakeAttached(threads), DOCUMENT, fields["pkcs7b64"])
        holds(again["pkcs7b64"])


async def test_what_has_no_document_is_refused(threads: Threads) -> None:
    for message in (made(detached=True).der, b"rubbish"):
        refused = await refusal(Detach(threads), message)
        assert (refused.reason, status_of(refused.reason)) == (Reason.MALFORMED, -10)
