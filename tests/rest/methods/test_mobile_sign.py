"""An id for a document that a phone signs."""

from __future__ import annotations

from tests.support.calls import GivenAuthority, answer
from tests.support.mobile import SITE, MobileSite, call, outcome
from tunnel_gateway.rest.mobile.documents import Purpose
from tunnel_gateway.rest.time_stamp_client import AuthorityNotSetError
from tunnel_gateway.rest.working import Threads


async def test_the_answer(threads: Threads) -> None:
    site = MobileSite(threads)
    fields = await answer(site.sign)
    assert list(fields) == ["siteId", "documentId", "ttl"]
    assert (fields["siteId"], fields["ttl"]) == (SITE, 300)
    document = await site.documents.find(fields["documentId"])
    assert document is not None
    assert document.purpose is Purpose.DOCUMENT


async def test_without_an_authority_no_user_signs_in_vain(threads: Threads) -> None:
    site = MobileSite(threads, authority=GivenAuthority(AuthorityNotSetError("set tsp.url")))
    assert await outcome(site.sign, call(site.sign.path)) == (-10, "not_configured")
    assert await outcome(site.auth, call(site.auth.path)) == (1, "")
