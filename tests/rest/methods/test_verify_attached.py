"""A message that holds its document."""

from __future__ import annotations

from tests.support.calls import answer, refusal, verifier
from tests.support.messages import DOCUMENT, made, streamed
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.rest.answers import Base64
from tunnel_gateway.rest.methods.verify_attached import VerifyAttached
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Reason, status_of
from tunnel_gateway.rest.working import Threads


def method(threads: Threads) -> VerifyAttached:
    return VerifyAttached(verifier(threads), Records(Audit()))


async def test_signers_and_document(threads: Threads) -> None:
    for message in (made().der, streamed()):
        info = (await answer(method(threads), message))["pkcs7Info"]
        assert info["documentBase64"] == Base64(DOCUMENT)
        assert info["signers"][0]["verified"] is True


async def test_an_empty_document(threads: Threads) -> None:
    info = (await answer(method(threads), made(b"").der))["pkcs7Info"]
    assert info["documentBase64"] == Base64(b"")


async def test_a_detached_message_is_refused(threads: Threads) -> None:
    refused = await refusal(method(threads), made(detached=True).der)
    assert (refused.reason, status_of(refused.reason)) == (Reason.NO_DOCUMENT, -10)


async def test_a_refusal_has_the_document_too(threads: Threads) -> None:
    refused = await refusal(method(threads), made().der.replace(DOCUMENT, b"SOME DOCUMENT"))
    assert (refused.reason, status_of(refused.reason)) == (Reason.DOCUMENT_CHANGED, -10)
    info = refused.fields["pkcs7Info"]
    assert isinstance(info, dict)
    assert info["signers"][0]["verified"] is False
