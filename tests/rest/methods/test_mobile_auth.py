"""A challenge for a phone."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.support.calls import answer
from tests.support.mobile import SITE, STRANGER, MobileSite, call, outcome
from tunnel_gateway.rest.mobile.documents import Purpose
from tunnel_gateway.rest.working import Threads


async def test_the_answer_has_the_spelling_of_the_guide(threads: Threads) -> None:
    site = MobileSite(threads)
    fields = await answer(site.auth)
    assert list(fields) == ["siteId", "documentId", "challange", "challenge", "ttl"]
    assert fields["siteId"] == SITE
    assert re.fullmatch("[0-9A-F]{8}", fields["documentId"])
    assert re.fullmatch("[0-9A-F]{64}", fields["challange"])
    assert fields["challenge"] == fields["challange"]
    assert fields["ttl"] == 300
    document = await site.documents.find(fields["documentId"])
    assert document is not None
    assert (document.purpose, document.challenge) == (Purpose.SIGN_IN, fields["challenge"])


async def test_no_two_are_the_same(threads: Threads) -> None:
    site = MobileSite(threads)
    given = [await answer(site.auth) for _ in range(50)]
    assert len({one["documentId"] for one in given}) == 50
    assert len({one["challenge"] for one in given}) == 50


async def test_one_source_cannot_begin_all(threads: Threads) -> None:
    site = MobileSite(threads)
    stranger = call(site.auth.path, caller=STRANGER)
    seen = [await outcome(site.auth, stranger) for _ in range(1000)]
    assert seen.count((1, "")) <= 1000 // 8
    assert set(seen[1000 // 8 :]) == {(-429, "too_many_calls")}


async def test_the_application_begins_for_all_its_users(threads: Threads) -> None:
    site = MobileSite(threads)
    own = call(site.auth.path, caller=replace(STRANGER, own=True))
    assert {await outcome(site.auth, own) for _ in range(500)} == {(1, "")}
