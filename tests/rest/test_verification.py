"""A message verified: what is asked, what is answered, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.calls import CALLER, GivenStatuses, verifier
from tests.support.garbage import cycles
from tests.support.messages import DOCUMENT, made, signer, streamed
from tests.support.pki import NOW, OFFICER, authority, stranger, user
from tests.support.stamps import token, usual
from tests.support.verdicts import HOUR, UNKNOWN, revoked
from tunnel_gateway.cms.composing import join, stamp
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.rest.answers import Base64
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.verification import Verified
from tunnel_gateway.rest.working import Threads

LEAF = signer().leaf


def stamped() -> bytes:
    message = made()
    return stamp(message.der, {message.signature: token(message.signature)})


async def refused(threads: Threads, message: bytes, statuses: GivenStatuses) -> Refusal:
    verified = await verifier(threads, statuses).verify(CALLER, message)
    with pytest.raises(Refusal) as caught:
        verified.fields(with_content=True)
    return caught.value


async def test_a_valid_message(threads: Threads) -> None:
    for message, peers in ((made().der, 1), (streamed(), 1), (stamped(), 2)):
        statuses = GivenStatuses()
        verified = await verifier(threads, statuses).verify(CALLER, message)
        fields: dict[str, Any] = verified.fields(with_content=True)
        assert list(fields) == ["pkcs7Info"]
        assert list(fields["pkcs7Info"]) == ["signers", "documentBase64"]
        assert fields["pkcs7Info"]["documentBase64"] == Base64(DOCUMENT)
        assert fields["pkcs7Info"]["signers"] == verified.signers
        assert verified.digest == digest(DOCUMENT)
        assert statuses.asked == peers


async def test_a_detached_message(threads: Threads) -> None:
    message = made(detached=True).der
    for given in ({"document": DOCUMENT}, {"document_digest": digest(DOCUMENT)}):
        verified = await verifier(threads).verify(CALLER, message, **given)
        assert list(verified.fields(with_content=True)["pkcs7Info"]) == ["signers"]  # type: ignore[call-overload]
    other = await verifier(threads).verify(CALLER, message, document=b"another")
    assert other.outcomes[0].finding is not None
    assert other.outcomes[0].finding.reason is Reason.DOCUMENT_CHANGED


async def test_a_detached_message_without_its_document(threads: Threads) -> None:
    with pytest.raises(Refusal) as caught:
        await verifier(threads).verify(CALLER, made(detached=True).der)
    assert caught.value.reason is Reason.NO_DOCUMENT


async def test_the_given_document_counts_and_not_the_one_inside(threads: Threads) -> None:
    fine = await verifier(threads).verify(CALLER, made().der, document=DOCUMENT)
    assert fine.fields(with_content=False)
    wrong = await verifier(threads).verify(CALLER, made().der, document=b"another")
    assert wrong.outcomes[0].finding is not None


async def test_nobody_is_asked_about_a_wrong_signature(threads: Threads) -> None:
    statuses = GivenStatuses()
    changed = made().der.replace(DOCUMENT, b"SOME DOCUMENT")
    refusal = await refused(threads, changed, statuses)
    assert (refusal.reason, statuses.asked) == (Reason.DOCUMENT_CHANGED, 0)
    assert list(refusal.fields) == ["pkcs7Info", "failedSignerInfo"]


async def test_nobody_is_asked_about_a_stranger(threads: Threads) -> None:
    statuses = GivenStatuses()
    refusal = await refused(threads, made(identity=user(stranger())).der, statuses)
    assert (refusal.reason, statuses.asked) == (Reason.CERTIFICATE_UNTRUSTED, 0)


async def test_the_failed_signer_is_shown(threads: Threads) -> None:
    other = user(person=OFFICER)
    message = join(made().der, made(identity=other).der)
    refusal = await refused(threads, message, GivenStatuses({other.leaf.serial: UNKNOWN}))
    assert refusal.reason is Reason.STATUS_UNKNOWN
    info: Any = refusal.fields["pkcs7Info"]
    assert info["signers"][1]["signerId"]["subjectSerialNumber"] == other.leaf.serial_hex
    assert "exception" not in info["signers"][0]
    assert refusal.fields["failedSignerInfo"] is info["signers"][1]


async def test_statuses_reach_the_signer_and_the_stamp(threads: Threads) -> None:
    for serial, reason in (
        (LEAF.serial, None),
        (usual().leaf.serial, Reason.STAMP_CERTIFICATE_REVOKED),
        (authority().centre.leaf.serial, Reason.CERTIFICATE_REVOKED),
    ):
        statuses = GivenStatuses({serial: revoked(NOW + HOUR)})
        verified = await verifier(threads, statuses).verify(CALLER, stamped())
        finding = verified.outcomes[0].finding
        assert (finding and finding.reason) == reason


async def test_a_stamp_can_be_required(threads: Threads) -> None:
    strict = verifier(threads, stamp_required=True)
    (outcome,) = (await strict.verify(CALLER, made().der)).outcomes
    assert outcome.finding is not None
    assert outcome.finding.reason is Reason.STAMP_MISSING
    assert (await strict.verify(CALLER, stamped())).fields(with_content=False)


async def test_what_is_no_message_is_malformed(threads: Threads) -> None:
    for message in (b"", b"rubbish", made().der[:-1], made().der + b"\0"):
        with pytest.raises(Refusal) as caught:
            await verifier(threads).verify(CALLER, message)
        assert caught.value.reason is Reason.MALFORMED
        assert caught.value.detail


async def test_sixteen_signers(threads: Threads) -> None:
    message = made().der
    for _ in range(15):
        message = join(message, made(identity=user()).der)
    statuses = GivenStatuses()
    verified = await verifier(threads, statuses).verify(CALLER, message)
    assert verified.fields(with_content=True)
    assert (len(verified.signers), statuses.asked) == (16, 16)


async def test_cycles(threads: Threads) -> None:
    ours = verifier(threads)
    changed = made().der.replace(DOCUMENT, b"SOME DOCUMENT")
    odd = made(identity=user(stranger())).der
    messages = (made().der, changed, odd, b"rubbish", made(detached=True).der, stamped())

    async def verify(message: bytes) -> Verified | None:
        try:
            verified = await ours.verify(CALLER, message)
            verified.fields(with_content=True)
        except Refusal:
            return None
        return verified

    for message in messages:
        await verify(message)
    with cycles() as left:
        for message in messages:
            await verify(message)
        await asyncio.sleep(0.01)
    assert not left, left
