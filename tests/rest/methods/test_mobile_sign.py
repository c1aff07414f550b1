"""An id for a document that a phone signs."""

from __future__ import annotations

from tests.support.calls import answer
from tests.support.mobile import SITE, MobileSite
from tunnel_gateway.rest.mobile.documents import Purpose
from tunnel_gateway.rest.working import Threads


async def test_the_answer(threads: Threads) -> None:
    site = MobileSite(threads)
    fields = await answer(site.sign)
    assert list(fields) == ["siteId", "documentId", "ttl"]
    assert (fields["siteId"], fields["ttl"]) == (SITE, 300)
    document = await site.documents.find(fields["documentId"])
    assert document is not None
    assert document.purpose is Purpose.DOCUMENT
