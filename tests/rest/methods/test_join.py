"""Two messages of one document made into one."""

from __future__ import annotations

import pytest

from tests.support.calls import answer, refusal
from tests.support.judged import holds
from tests.support.messages import made, streamed
from tests.support.pki import OFFICER, user
from tunnel_gateway.rest.methods.join import Join
from tunnel_gateway.rest.statuses import Reason, status_of
from tunnel_gateway.rest.working import Threads


async def test_both_signers_are_in_it(threads: Threads) -> None:
    other = user(person=OFFICER)
    fields = await answer(Join(threads), streamed(), made(identity=other).der)
    assert list(fields) == ["pkcs7b64"]
    assert len(holds(fields["pkcs7b64"])) == 2


async def test_different_documents_are_refused(threads: Threads) -> None:
    refused = await refusal(Join(threads), made().der, made(b"another").der)
    assert (refused.reason, status_of(refused.reason)) == (Reason.OTHER_DOCUMENT, -10)


@pytest.mark.parametrize("message", [made(detached=True).der, b"rubbish"])
async def test_what_has_no_document_is_refused(threads: Threads, message: bytes) -> None:
    for pair in ((made().der, message), (message, made().der)):
        refused = await refusal(Join(threads), *pair)
        assert refused.reason is Reason.MALFORMED
        assert refused.detail
