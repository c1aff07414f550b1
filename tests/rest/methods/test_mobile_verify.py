"""A document that a phone has signed: verified, stamped and attached."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.calls import GivenAuthority, GivenStatuses, refusal
from tests.support.garbage import cycles
from tests.support.judged import judged
from tests.support.messages import DOCUMENT, made, signer
from tests.support.mobile import SECONDS, MobileSite, call, outcome
from tests.support.pki import DAY, NOW, stranger, user
from tests.support.stamps import token
from tests.support.verdicts import HOUR, UNKNOWN, revoked
from tunnel_gateway.cms.composing import stamp
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.errors import TimeStampError
from tunnel_gateway.rest.call import Call
from tunnel_gateway.rest.mobile.documents import MobileDocument, Purpose
from tunnel_gateway.rest.time_stamp_client import AuthorityAwayError, AuthorityNotSetError
from tunnel_gateway.rest.working import Threads

LEAF = signer().leaf
PATH = "/backend/mobile/verify"


def ask(document: MobileDocument, content: bytes = DOCUMENT) -> Call:
    return call(PATH, content, documentId=document.document_id)


async def signed(site: MobileSite, **changes: Any) -> MobileDocument:
    return await site.uploaded(Purpose.DOCUMENT, **changes)


async def test_the_answer_of_the_guide(threads: Threads) -> None:
    site = MobileSite(threads)
    fields: Any = await site.verify.answer(ask(await signed(site)))
    assert list(fields) == ["subjectCertificateInfo", "verificationInfo", "pkcs7Attached"]
    assert fields["subjectCertificateInfo"]["serialNumber"] == LEAF.serial_hex
    info = fields["verificationInfo"]
    assert info == {
        "policyIdentifiers": list(LEAF.policies or ()),
        "signingTime": "2026-03-01 17:00:00",
        "signingTimeUtc": "2026-03-01T12:00:00Z",
        "timestampedTime": "2026-03-01 17:00:00",
        "timestampedTimeUtc": "2026-03-01T12:00:00Z",
    }
    message = fields["pkcs7Attached"].data
    assert bytes(parse_signed_data(message).content or b"") == DOCUMENT
    (verdict,) = judged(message).signers
    assert verdict.failed is None
    assert verdict.stamp is not None


async def test_an_empty_document(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await signed(site, content=b"")
    assert await outcome(site.verify, ask(document, b"")) == (1, "")


async def test_again_and_with_another_document(threads: Threads) -> None:
    authority = GivenAuthority()
    site = MobileSite(threads, authority=authority)
    document = await signed(site)
    assert await outcome(site.verify, ask(document, b"another")) == (-5, "document_changed")
    assert authority.asked == 0
    assert await outcome(site.verify, ask(document)) == (1, "")
    assert await outcome(site.verify, ask(document)) == (1, "")
    assert await outcome(site.verify, ask(document, b"another")) == (-5, "document_changed")


async def test_a_message_that_has_a_time_stamp(threads: Threads) -> None:
    authority = GivenAuthority()
    site = MobileSite(threads, authority=authority)
    document = await site.begin(Purpose.DOCUMENT)
    message = made(detached=True)
    stamped = stamp(message.der, {message.signature: token(message.signature)})
    assert await site.documents.keep(document, stamped)
    assert await outcome(site.verify, ask(document)) == (1, "")
    assert authority.asked == 0


async def test_not_yet_too_late_and_another_purpose(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.begin(Purpose.DOCUMENT)
    assert await outcome(site.verify, ask(document)) == (2, "not_uploaded")
    assert await outcome(site.verify, ask(await site.uploaded())) == (-3, "other_purpose")
    late = await signed(site)
    site.seconds += SECONDS + 1
    assert await outcome(site.verify, ask(late)) == (-2, "document_unknown")


async def test_a_field_is_missing(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await signed(site)
    without = Call(PATH, ask(document).caller, (b"",), texts={"documentId": document.document_id})
    assert await outcome(site.verify, without) == (-400, "bad_body")
    assert await outcome(site.verify, call(PATH, DOCUMENT)) == (-400, "bad_body")


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (AuthorityNotSetError("tsp.url is not set"), (-10, "not_configured")),
        (AuthorityAwayError("away"), (-11, "authority_away")),
        (TimeStampError("refused"), (-11, "authority_refused")),
    ],
)
async def test_without_a_time_stamp(
    threads: Threads, fault: TimeStampError, seen: tuple[int, str]
) -> None:
    site = MobileSite(threads, authority=GivenAuthority(fault))
    assert await outcome(site.verify, ask(await signed(site))) == seen


async def test_a_time_stamp_of_another_signature(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.begin(Purpose.DOCUMENT)
    message = made(detached=True)
    stamped = stamp(message.der, {message.signature: token(b"another")})
    assert await site.documents.keep(document, stamped)
    assert await outcome(site.verify, ask(document)) == (-99, "stamp_of_other_signature")


@pytest.mark.parametrize(
    ("standing", "seen"),
    [
        (revoked(NOW - HOUR), (-7, "certificate_revoked_then")),
        (UNKNOWN, (-8, "status_unknown")),
    ],
)
async def test_statuses(threads: Threads, standing: Any, seen: tuple[int, str]) -> None:
    site = MobileSite(threads, GivenStatuses({LEAF.serial: standing}))
    assert await outcome(site.verify, ask(await signed(site))) == seen


async def test_certificates_that_are_not_accepted(threads: Threads) -> None:
    site = MobileSite(threads)
    for identity, seen in (
        (user(stranger()), (-6, "certificate_untrusted")),
        (user(not_after=NOW - DAY), (-7, "certificate_expired")),
    ):
        document = await signed(site, identity=identity)
        assert await outcome(site.verify, ask(document)) == seen


async def test_messages_that_no_upload_would_keep(threads: Threads) -> None:
    site = MobileSite(threads)
    for message in (b"", b"rubbish", made().der[:-1]):
        document = await site.begin(Purpose.DOCUMENT)
        assert await site.documents.keep(document, message)
        assert await outcome(site.verify, ask(document)) == (-4, "malformed")


async def test_a_refusal_has_no_user(threads: Threads) -> None:
    site = MobileSite(threads, GivenStatuses({LEAF.serial: UNKNOWN}))
    document = await signed(site)
    refused = await refusal(
        site.verify, DOCUMENT, texts={"documentId": document.document_id}, came=("document",)
    )
    assert refused.fields == {}


async def test_cycles(threads: Threads) -> None:
    site = MobileSite(threads)
    asked = [
        ask(await signed(site), b"another"),
        ask(await signed(site, identity=user(stranger()))),
    ]
    for one in asked:
        await outcome(site.verify, one)
    with cycles() as left:
        for one in asked:
            await outcome(site.verify, one)
        await asyncio.sleep(0.01)
    assert not left, left
