"""Signing in by a phone: each number of the guide's table, and one success for a challenge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.calls import GivenStatuses, answer
from tests.support.garbage import cycles
from tests.support.messages import signer
from tests.support.mobile import SECONDS, MobileSite, call, outcome
from tests.support.pki import DAY, NOW, authority, stranger, user
from tests.support.verdicts import HOUR, UNKNOWN, revoked
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.rest.call import Call
from tunnel_gateway.rest.mobile.documents import MobileDocument, Purpose
from tunnel_gateway.rest.working import Threads

LEAF = signer().leaf
PATH = "/backend/mobile/authenticate/{documentId}"


def ask(document: MobileDocument | str) -> Call:
    return call(PATH, documentId=document if isinstance(document, str) else document.document_id)


async def test_a_user_signs_in(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.uploaded()
    texts = {"documentId": document.document_id}
    fields = await answer(site.authenticate, texts=texts)
    assert list(fields) == ["subjectCertificateInfo"]
    info = fields["subjectCertificateInfo"]
    assert (info["serialNumber"], info["X500Name"]) == (LEAF.serial_hex, LEAF.subject)
    assert info["subjectName"]["1.2.860.3.16.1.2"] == "10000000000001"


async def test_once_for_a_challenge(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.uploaded()
    seen = await asyncio.gather(*(outcome(site.authenticate, ask(document)) for _ in range(10)))
    assert sorted(seen) == [(-2, "document_unknown")] * 9 + [(1, "")]
    assert await outcome(site.authenticate, ask(document)) == (-2, "document_unknown")


async def test_not_yet_and_too_late(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.begin()
    assert await outcome(site.authenticate, ask(document)) == (2, "not_uploaded")
    assert await outcome(site.authenticate, ask("00000000")) == (-2, "document_unknown")
    signed = await site.uploaded()
    site.seconds += SECONDS + 1
    assert await outcome(site.authenticate, ask(signed)) == (-2, "document_unknown")
    assert await outcome(site.authenticate, ask("x")) == (-400, "bad_body")


async def test_a_signed_document_is_no_sign_in(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.uploaded(Purpose.DOCUMENT)
    assert await outcome(site.authenticate, ask(document)) == (-3, "other_purpose")


@pytest.mark.parametrize(
    ("identity", "seen"),
    [
        (lambda: user(stranger()), (-6, "certificate_untrusted")),
        (
            lambda: user(key_usage=frozenset({"keyAgreement"})),
            (-6, "certificate_unsuitable"),
        ),
        (lambda: user(not_after=NOW - DAY), (-7, "certificate_expired")),
        (lambda: user(not_before=NOW + DAY), (-7, "certificate_expired")),
    ],
)
async def test_certificates_that_are_not_accepted(
    threads: Threads, identity: Callable[[], Identity], seen: tuple[int, str]
) -> None:
    site = MobileSite(threads)
    document = await site.uploaded(identity=identity())
    assert await outcome(site.authenticate, ask(document)) == seen


@pytest.mark.parametrize(
    ("standing", "seen"),
    [
        (revoked(NOW - HOUR), (-6, "certificate_revoked")),
        (revoked(NOW - HOUR, "certificateHold"), (-6, "certificate_revoked")),
        (UNKNOWN, (-8, "status_unknown")),
    ],
)
async def test_statuses(threads: Threads, standing: Any, seen: tuple[int, str]) -> None:
    for serial in (LEAF.serial, authority().centre.leaf.serial):
        site = MobileSite(threads, GivenStatuses({serial: standing}))
        assert await outcome(site.authenticate, ask(await site.uploaded())) == seen


async def test_messages_that_no_upload_would_keep(threads: Threads) -> None:
    """Another server, or a fault of ours, may have kept one: nothing is believed of it."""
    site = MobileSite(threads)
    for message, seen in (
        (b"rubbish", (-4, "malformed")),
        (b"", (-4, "malformed")),
    ):
        document = await site.begin()
        assert await site.documents.keep(document, message)
        assert await outcome(site.authenticate, ask(document)) == seen
    one, other = await site.begin(), await site.uploaded()
    kept = await site.documents.find(other.document_id)
    assert kept is not None
    assert kept.message is not None
    assert await site.documents.keep(one, kept.message)
    assert await outcome(site.authenticate, ask(one)) == (-5, "document_changed")


@pytest.mark.parametrize("minutes", [-11, 11])
async def test_a_clock_that_is_off(threads: Threads, minutes: int) -> None:
    site = MobileSite(threads)
    document = await site.uploaded(signing_time=NOW + timedelta(minutes=minutes))
    assert await outcome(site.authenticate, ask(document)) == (-9, "signing_time_off")


async def test_after_a_refusal_the_application_may_ask_again(threads: Threads) -> None:
    statuses = GivenStatuses({LEAF.serial: UNKNOWN})
    site = MobileSite(threads, statuses)
    document = await site.uploaded()
    assert await outcome(site.authenticate, ask(document)) == (-8, "status_unknown")
    statuses.other.clear()
    assert await outcome(site.authenticate, ask(document)) == (1, "")


async def test_cycles(threads: Threads) -> None:
    site = MobileSite(threads)
    asked = [ask(await site.uploaded(identity=user(stranger()))), ask("00000000")]
    for one in asked:
        await outcome(site.authenticate, one)
    with cycles() as left:
        for one in asked:
            await outcome(site.authenticate, one)
        await asyncio.sleep(0.01)
    assert not left, left
