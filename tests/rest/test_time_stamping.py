"""Time stamps beside the signatures of a message."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.support.calls import GivenAuthority, GivenStatuses, answer, refusal, stamps, verifier
from tests.support.judged import judged
from tests.support.messages import DOCUMENT, foreign, made, signer
from tests.support.pki import OFFICER, stranger, user
from tests.support.stamps import token
from tunnel_gateway.cms.composing import join, stamp
from tunnel_gateway.cms.frame import Frame
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.pki.encoding.oids import Family
from tunnel_gateway.rest.methods.timestamp_pkcs7 import TimestampPkcs7
from tunnel_gateway.rest.statuses import Reason, status_of
from tunnel_gateway.rest.time_stamp_client import AuthorityAwayError, AuthorityNotSetError
from tunnel_gateway.rest.time_stamping import TimeStamping
from tunnel_gateway.rest.working import Threads

LEAF = signer().leaf


def method(threads: Threads, authority: GivenAuthority | None = None) -> TimestampPkcs7:
    return TimestampPkcs7(TimeStamping(verifier(threads), stamps(authority)))


async def test_a_detached_message(threads: Threads) -> None:
    fields = await answer(method(threads), made(detached=True).der)
    (verdict,) = judged(fields["pkcs7b64"], DOCUMENT).signers
    assert verdict.failed is None
    assert verdict.stamp is not None


async def test_only_who_has_none_gets_one(threads: Threads) -> None:
    first, other = made(), user(person=OFFICER)
    stamped = stamp(first.der, {first.signature: token(first.signature)})
    authority = GivenAuthority()
    message = join(stamped, made(identity=other).der)
    fields = await answer(method(threads, authority), message)
    assert authority.asked == 1
    (listed,) = fields["timestampedSignerList"]
    assert listed["serialNumber"] == other.leaf.serial_hex
    signers = parse_signed_data(fields["pkcs7b64"]).signers
    assert [len(one.time_stamps) for one in signers] == [1, 1]
    again = await answer(method(threads, authority), fields["pkcs7b64"])
    assert again == {"pkcs7b64": fields["pkcs7b64"], "timestampedSignerList": []}
    assert authority.asked == 1


async def test_without_an_authority(threads: Threads) -> None:
    nobody = GivenAuthority(AuthorityNotSetError("tsp.url is not set"))
    refused = await refusal(method(threads, nobody), made().der)
    assert (refused.reason, status_of(refused.reason)) == (Reason.NOT_CONFIGURED, -503)
    assert "tsp.url" in refused.detail
    message = made()
    stamped = stamp(message.der, {message.signature: token(message.signature)})
    assert (await answer(method(threads, nobody), stamped))["timestampedSignerList"] == []


async def test_a_signer_by_another_standard_is_left_alone(threads: Threads) -> None:
    authority = GivenAuthority()
    message = join(made().der, foreign())
    fields = await answer(method(threads, authority), message)
    assert (authority.asked, len(fields["timestampedSignerList"])) == (1, 1)
    signers = parse_signed_data(fields["pkcs7b64"]).signers
    assert [len(one.time_stamps) for one in signers] == [1, 0]
    again = await answer(method(threads, authority), fields["pkcs7b64"])
    assert again["timestampedSignerList"] == []
    refused = await refusal(method(threads, authority), foreign())
    assert (refused.reason, status_of(refused.reason)) == (Reason.DOCUMENT_CHANGED, -10)
    assert authority.asked == 1


async def test_rubbish_is_not_stamped(threads: Threads) -> None:
    authority = GivenAuthority()
    message = made().der  # the signature stands at the end
    two = join(made().der, made(identity=user(stranger())).der)
    for wrong, reason in (
        (b"rubbish", Reason.MALFORMED),
        (made().der.replace(DOCUMENT, b"SOME DOCUMENT"), Reason.DOCUMENT_CHANGED),
        (message[:-1] + bytes([message[-1] ^ 1]), Reason.SIGNATURE_WRONG),
        (made(identity=user(stranger())).der, Reason.CERTIFICATE_UNTRUSTED),
        (two, Reason.CERTIFICATE_UNTRUSTED),
    ):
        refused = await refusal(method(threads, authority), wrong)
        assert refused.reason is reason
    assert authority.asked == 0


async def test_nobody_is_asked_for_a_status(threads: Threads) -> None:
    statuses = GivenStatuses()
    stamper = TimestampPkcs7(TimeStamping(verifier(threads, statuses), stamps()))
    assert await answer(stamper, made().der)
    assert statuses.asked == 0


async def test_a_signature_that_is_there_often_is_stamped_once(threads: Threads) -> None:
    frame = Frame.read(made().der)
    message = replace(frame, signers=frame.signers * 16).write()
    authority = GivenAuthority()
    fields = await answer(method(threads, authority), message)
    assert authority.asked == len(fields["timestampedSignerList"]) == 1
    signers = parse_signed_data(fields["pkcs7b64"]).signers
    assert [len(one.time_stamps) for one in signers] == [1] * 16


class HalfAway(GivenAuthority):
    """Fails once, after others were asked, and never answers these."""

    ended = 0

    async def stamp(self, imprint: bytes, family: Family) -> bytes:
        self.asked += 1
        if self.asked == 3:
            raise AuthorityAwayError("it is away")
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1
        return b""


async def test_no_more_is_asked_for_a_message_that_is_refused(threads: Threads) -> None:
    message = made().der
    for _ in range(2):
        message = join(message, made().der)
    authority = HalfAway()
    refused = await refusal(method(threads, authority), message)
    assert refused.reason is Reason.AUTHORITY_AWAY
    assert (authority.asked, authority.ended) == (3, 2)
