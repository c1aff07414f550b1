"""Signing in: each step in its order, each challenge once, and no user in a refusal."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.calls import CALLER, GivenStatuses, answer, refusal, verifier
from tests.support.garbage import cycles
from tests.support.messages import made, signer, streamed
from tests.support.pki import DAY, NOW, OFFICER, authority, domain, stranger, user
from tests.support.stamps import token
from tests.support.verdicts import HOUR, UNKNOWN, revoked
from tunnel_gateway.cms.composing import join, stamp
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.rest.call import Call
from tunnel_gateway.rest.challenges import OwnChallenges
from tunnel_gateway.rest.methods.auth import Auth
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Reason, Refusal, status_of
from tunnel_gateway.rest.verification import Statuses
from tunnel_gateway.rest.working import Threads

LEAF = signer().leaf
MINUTE = timedelta(minutes=1)


class Site:
    """A service that signs users in, and users who sign its challenges."""

    def __init__(self, threads: Threads, statuses: Statuses | None = None) -> None:
        self.seconds = 0.0
        self.challenges = OwnChallenges(120, 1000, lambda: self.seconds)
        self.method = Auth(
            verifier(threads, statuses), self.challenges, Records(Audit()), timedelta(minutes=5)
        )

    async def signed(self, identity: Identity | None = None, **changes: Any) -> bytes:
        challenge = await self.challenges.give()
        return made(challenge.encode(), identity, **changes).der

    async def is_refused(self, message: bytes, reason: Reason, number: int) -> Refusal:
        refused = await refusal(self.method, message)
        assert (refused.reason, status_of(refused.reason)) == (reason, number), refused.detail
        assert refused.fields == {}
        return refused


async def test_a_user_signs_in(threads: Threads) -> None:
    site = Site(threads)
    fields = await answer(site.method, await site.signed())
    assert list(fields) == ["subjectCertificateInfo"]
    info = fields["subjectCertificateInfo"]
    assert info["serialNumber"] == LEAF.serial_hex
    assert info["X500Name"] == LEAF.subject
    assert info["subjectName"]["1.2.860.3.16.1.2"] == "10000000000001"
    assert info["publicKeyParameter"]["paramSetOID"] == "1.2.860.3.15.1.1.2.1.1"


async def test_a_challenge_with_a_line_end(threads: Threads) -> None:
    site = Site(threads)
    challenge = await site.challenges.give()
    assert await answer(site.method, made(f" {challenge}\r\n".encode()).der)


async def test_a_challenge_is_good_once(threads: Threads) -> None:
    site = Site(threads)
    message = await site.signed()
    assert await answer(site.method, message)
    await site.is_refused(message, Reason.CHALLENGE_UNKNOWN, -20)


async def test_of_many_simultaneous_uses_one_counts(threads: Threads) -> None:
    site = Site(threads)
    call = Call(site.method.path, CALLER, (await site.signed(),))
    done = await asyncio.gather(
        *(site.method.answer(call) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(one, dict) for one in done) == 1
    assert {one.reason for one in done if isinstance(one, Refusal)} == {Reason.CHALLENGE_UNKNOWN}


async def test_a_challenge_ends(threads: Threads) -> None:
    site = Site(threads)
    message = await site.signed()
    site.seconds += 121
    await site.is_refused(message, Reason.CHALLENGE_UNKNOWN, -20)


@pytest.mark.parametrize(
    "content", [b"", b"9b573e40-cefd-42cc-a534-f6e78b27c2ae", b"\xff" * 36, bytes(100_000)]
)
async def test_what_is_no_challenge_of_ours(threads: Threads, content: bytes) -> None:
    await Site(threads).is_refused(made(content).der, Reason.CHALLENGE_UNKNOWN, -20)


@pytest.mark.parametrize("odd", ['{"challenge":"%s"}', "base64", "%s!"])
async def test_a_signed_text_that_is_not_a_challenge_is_told(threads: Threads, odd: str) -> None:
    """Developers sign the whole answer, or Base64 of the challenge; users only come too late."""
    site = Site(threads)
    challenge = await site.challenges.give()
    text = b64encode(challenge.encode()) if odd == "base64" else (odd % challenge).encode()
    refused = await site.is_refused(made(text).der, Reason.CHALLENGE_UNKNOWN, -20)
    assert refused.detail.startswith(
        "the signed text is not a challenge: sign the text of the field"
    )
    late = await site.signed()
    site.seconds += 121
    assert not (await site.is_refused(late, Reason.CHALLENGE_UNKNOWN, -20)).detail


async def test_a_document_that_begins_with_a_challenge_is_no_sign_in(threads: Threads) -> None:
    """A page that lets a user sign a document must not get a sign-in at another site by it."""
    site = Site(threads)
    challenge = (await site.challenges.give()).encode()
    document = challenge + b" " * 40 + b"I sell my house"
    await site.is_refused(made(document).der, Reason.CHALLENGE_UNKNOWN, -20)
    assert await answer(site.method, made(challenge + b" " * 28).der)  # 64 bytes


async def test_a_stranger_does_not_use_a_challenge(threads: Threads) -> None:
    """Anyone makes such certificates, and a store full of used challenges refuses everybody."""
    site = Site(threads)
    site.challenges.configure(120, 1)
    odd = user(stranger())
    for _ in range(3):
        message = await site.signed(odd)
        for _ in range(2):
            await site.is_refused(message, Reason.CERTIFICATE_UNTRUSTED, -11)
    assert [value for _, _, value in site.challenges.samples()] == [0]
    assert await answer(site.method, await site.signed())


async def test_a_wrong_signature_does_not_use_the_challenge(threads: Threads) -> None:
    site = Site(threads)
    message = await site.signed()
    changed = message[:-1] + bytes([message[-1] ^ 1])  # the signature stands at the end
    await site.is_refused(changed, Reason.SIGNATURE_WRONG, -10)
    assert await answer(site.method, message)


async def test_another_challenge_than_the_signed_one(threads: Threads) -> None:
    site = Site(threads)
    challenge = await site.challenges.give()
    message = made(challenge.encode()).der
    other = await site.challenges.give()
    changed = message.replace(challenge.encode(), other.encode())
    await site.is_refused(changed, Reason.DOCUMENT_CHANGED, -10)
    assert await site.challenges.take(other)


async def test_messages_of_another_kind(threads: Threads) -> None:
    site = Site(threads)
    challenge = (await site.challenges.give()).encode()
    two = join(made(challenge).der, made(challenge, user(person=OFFICER)).der)
    for message in (b"", b"rubbish", two):
        await site.is_refused(message, Reason.MALFORMED, -10)
    await site.is_refused(made(challenge, detached=True).der, Reason.NO_DOCUMENT, -10)
    assert await answer(site.method, streamed(challenge))  # and the challenge is still there


@pytest.mark.parametrize("off", [timedelta(minutes=5, seconds=1), timedelta(days=1)])
async def test_a_clock_that_is_off(threads: Threads, off: timedelta) -> None:
    for moment in (NOW - off, NOW + off):
        site = Site(threads)
        refused = await site.is_refused(
            await site.signed(signing_time=moment), Reason.SIGNING_TIME_OFF, -5
        )
        assert "here it is 2026-03-01 12:00:00 UTC" in refused.detail


async def test_a_clock_within_the_window(threads: Threads) -> None:
    for moment in (NOW - 5 * MINUTE, NOW + 5 * MINUTE):
        site = Site(threads)
        assert await answer(site.method, await site.signed(signing_time=moment))


@pytest.mark.parametrize(
    ("identity", "reason", "number"),
    [
        (lambda: user(stranger()), Reason.CERTIFICATE_UNTRUSTED, -11),
        (
            lambda: user(key_usage=frozenset({"keyAgreement"})),
            Reason.CERTIFICATE_UNSUITABLE,
            -11,
        ),
        (lambda: user(not_after=NOW - DAY), Reason.CERTIFICATE_EXPIRED, -12),
        (lambda: user(not_before=NOW + DAY), Reason.CERTIFICATE_EXPIRED, -12),
    ],
)
async def test_certificates_that_are_not_accepted(
    threads: Threads, identity: Callable[[], Identity], reason: Reason, number: int
) -> None:
    site = Site(threads)
    refused = await site.is_refused(await site.signed(identity()), reason, number)
    assert "certificate " in refused.detail


async def test_a_domain_can_sign_too(threads: Threads) -> None:
    """Its certificate has the purposes of users, and the guide does not exclude it."""
    site = Site(threads)
    assert await answer(site.method, await site.signed(domain()))


@pytest.mark.parametrize(
    ("standing", "reason", "number"),
    [
        (revoked(NOW - HOUR), Reason.CERTIFICATE_REVOKED, -11),
        (revoked(NOW - HOUR, "certificateHold"), Reason.CERTIFICATE_REVOKED, -11),
        (UNKNOWN, Reason.STATUS_UNKNOWN, -1),
    ],
)
async def test_statuses(threads: Threads, standing: Any, reason: Reason, number: int) -> None:
    for serial in (LEAF.serial, authority().centre.leaf.serial):
        site = Site(threads, GivenStatuses({serial: standing}))
        await site.is_refused(await site.signed(), reason, number)


async def test_a_time_stamp_does_not_excuse_a_revoked_user(threads: Threads) -> None:
    site = Site(threads, GivenStatuses({LEAF.serial: revoked(NOW + HOUR)}))
    challenge = await site.challenges.give()
    message = made(challenge.encode())
    stamped = stamp(message.der, {message.signature: token(message.signature)})
    await site.is_refused(stamped, Reason.CERTIFICATE_REVOKED, -11)


async def test_the_order_of_the_steps(threads: Threads) -> None:
    """Each message has all the faults that follow, and the first one is told."""
    odd = user(stranger())
    site = Site(threads)
    late = {"signing_time": NOW - DAY}
    await site.is_refused(made(b"x", odd, **late).der, Reason.CHALLENGE_UNKNOWN, -20)
    await site.is_refused(await site.signed(odd, **late), Reason.SIGNING_TIME_OFF, -5)
    await site.is_refused(await site.signed(odd), Reason.CERTIFICATE_UNTRUSTED, -11)


async def test_a_refused_user_has_used_the_challenge(threads: Threads) -> None:
    site = Site(threads, GivenStatuses({LEAF.serial: UNKNOWN}))
    message = await site.signed()
    await site.is_refused(message, Reason.STATUS_UNKNOWN, -1)
    await site.is_refused(message, Reason.CHALLENGE_UNKNOWN, -20)


async def test_cycles(threads: Threads) -> None:
    site = Site(threads)

    async def attempt(message: bytes) -> None:
        try:
            await site.method.answer(Call(site.method.path, CALLER, (message,)))
        except Refusal:
            return

    odd = user(stranger())
    await attempt(await site.signed(odd))
    await attempt(await site.signed())
    messages = [await site.signed(odd), await site.signed(), b"rubbish", made(b"x").der]
    with cycles() as left:
        for message in messages:
            await attempt(message)
        await asyncio.sleep(0.01)
    assert not left, left
