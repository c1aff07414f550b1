"""A document put into its detached message."""

from __future__ import annotations

from tests.support.calls import answer, refusal
from tests.support.judged import holds
from tests.support.messages import DOCUMENT, made, streamed
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.rest.methods.make_attached import MakeAttached
from tunnel_gateway.rest.statuses import Reason, status_of
from tunnel_gateway.rest.working import Threads


async def test_the_document_is_inside_and_the_signature_holds(threads: Threads) -> None:
    detached = made(detached=True).der
    fields = await answer(MakeAttached(threads), DOCUMENT, detached)
    assert list(fields) == ["pkcs7b64"]
    assert parse_signed_data(fields["pkcs7b64"]).content == DOCUMENT
    holds(fields["pkcs7b64"])


async def test_a_large_document(threads: Threads) -> None:
    document = bytes(1_000_000)
    fields = await answer(MakeAttached(threads), document, made(document, detached=True).der)
    holds(fields["pkcs7b64"])


async def test_an_empty_document(threads: Threads) -> None:
    fields = await answer(MakeAttached(threads), b"", made(b"", detached=True).der)
    assert parse_signed_data(fields["pkcs7b64"]).content == b""


async def test_another_document_is_refused(threads: Threads) -> None:
    refused = await refusal(MakeAttached(threads), b"another", made(detached=True).der)
    assert refused.reason is Reason.DOCUMENT_CHANGED
    assert status_of(refused.reason) == -10


async def test_what_is_no_detached_message_is_refused(threads: Threads) -> None:
    for message in (b"", b"rubbish", streamed(), made().der, made(detached=True).der[:-1]):
        refused = await refusal(MakeAttached(threads), DOCUMENT, message)
        assert refused.reason is Reason.MALFORMED
        assert refused.detail
