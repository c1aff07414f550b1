"""A message and the document beside it."""

from __future__ import annotations

from tests.support.calls import answer, refusal, verifier
from tests.support.messages import DOCUMENT, made
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.rest.methods.verify_detached import VerifyDetached
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Reason, status_of
from tunnel_gateway.rest.working import Threads


def method(threads: Threads) -> VerifyDetached:
    return VerifyDetached(verifier(threads), Records(Audit()))


async def test_there_is_no_document_in_the_answer(threads: Threads) -> None:
    for message in (made(detached=True).der, made().der):
        info = (await answer(method(threads), DOCUMENT, message))["pkcs7Info"]
        assert list(info) == ["signers"]
        assert info["signers"][0]["verified"] is True


async def test_a_large_document(threads: Threads) -> None:
    document = bytes(1_000_000)
    assert await answer(method(threads), document, made(document, detached=True).der)


async def test_another_document_is_refused(threads: Threads) -> None:
    refused = await refusal(method(threads), b"another", made(detached=True).der)
    assert (refused.reason, status_of(refused.reason)) == (Reason.DOCUMENT_CHANGED, -10)
