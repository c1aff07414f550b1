"""The page asks whether the phone has signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.mobile import SECONDS, STRANGER, MobileSite, call, outcome
from tunnel_gateway.rest.mobile.documents import Purpose
from tunnel_gateway.rest.working import Threads


@pytest.mark.parametrize("purpose", Purpose)
async def test_from_the_beginning_to_the_end(threads: Threads, purpose: Purpose) -> None:
    site = MobileSite(threads)
    path = site.status.path
    document = await site.begin(purpose)
    poll = call(path, documentId=document.document_id.lower())
    assert await outcome(site.status, poll) == (2, "not_uploaded")
    assert await site.documents.keep(document, b"message")
    assert await outcome(site.status, poll) == (1, "")
    if purpose is Purpose.SIGN_IN:
        assert await site.documents.use(document)
        assert await outcome(site.status, poll) == (1, "")
    site.seconds += SECONDS + 1
    assert await outcome(site.status, poll) == (-2, "document_unknown")


async def test_who_guesses_is_stopped_and_others_are_not(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.begin()
    guess = call(site.status.path, caller=STRANGER, documentId="00000000")
    seen = [await outcome(site.status, guess) for _ in range(300)]
    assert seen[0] == (-2, "document_unknown")
    assert seen[-1] == (-429, "too_many_calls")
    right = call(site.status.path, documentId=document.document_id)
    assert await outcome(site.status, replace(right, caller=STRANGER)) == seen[-1]
    assert (await outcome(site.status, right))[0] == 2
    site.seconds += 60
    assert await outcome(site.status, guess) == (-2, "document_unknown")


async def test_polls_are_no_guesses(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.begin()
    poll = call(site.status.path, documentId=document.document_id)
    assert {await outcome(site.status, poll) for _ in range(500)} == {(2, "not_uploaded")}


async def test_without_an_id(threads: Threads) -> None:
    site = MobileSite(threads)
    for asked in (call(site.status.path), call(site.status.path, documentId="xyz")):
        assert await outcome(site.status, asked) == (-400, "bad_body")
