"""The only signer of a message, judged at the present time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.calls import GivenStatuses, verifier
from tests.support.messages import DOCUMENT, made, signer, streamed
from tests.support.pki import DAY, NOW, stranger, user
from tests.support.stamps import token
from tests.support.verdicts import UNKNOWN
from tunnel_gateway.cms.composing import join, stamp
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.rest.present_signer import PresentSigner, judge_present
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.verification import Verifier
from tunnel_gateway.rest.working import Threads

WINDOW = timedelta(minutes=10)


@pytest.fixture
def judging(threads: Threads) -> Verifier:
    return verifier(threads)


def judged(judging: Verifier, message: bytes, document: bytes = DOCUMENT) -> PresentSigner:
    return judge_present(judging, parse_signed_data(message), digest(document))


def reason_of(caught: pytest.ExceptionInfo[Refusal]) -> Reason:
    return caught.value.reason


async def test_a_good_signer(judging: Verifier) -> None:
    present = judged(judging, made().der)
    present.expect_right_signature()
    present.expect_time(NOW, WINDOW)
    assert present.claimed == NOW
    assert (await present.expect_good_certificate(judging)).leaf == signer().leaf


def test_another_document(judging: Verifier) -> None:
    present = judged(judging, made().der, b"another")
    with pytest.raises(Refusal) as caught:
        present.expect_right_signature()
    assert reason_of(caught) is Reason.DOCUMENT_CHANGED


def test_several_signers(judging: Verifier) -> None:
    message = join(made().der, made(identity=user()).der)
    with pytest.raises(SignedDataError, match="one signer, and not 2"):
        judged(judging, message)


@pytest.mark.parametrize("minutes", [-11, 11])
def test_another_clock(judging: Verifier, minutes: int) -> None:
    present = judged(judging, made(signing_time=NOW + timedelta(minutes=minutes)).der)
    present.expect_right_signature()
    with pytest.raises(Refusal, match="here it is") as caught:
        present.expect_time(NOW, WINDOW)
    assert reason_of(caught) is Reason.SIGNING_TIME_OFF


async def test_neither_signer_nor_stamp_moves_the_present(judging: Verifier) -> None:
    """The certificate has ended. The signer and a time stamp say that they came before."""
    ended = user(not_before=NOW - 3 * DAY, not_after=NOW - DAY)
    message = made(identity=ended, signing_time=NOW - 2 * DAY)
    stamped = stamp(message.der, {message.signature: token(message.signature, NOW - 2 * DAY)})
    for each in (message.der, stamped):
        present = judged(judging, each)
        assert present.peer is not None
        with pytest.raises(Refusal) as caught:
            await present.expect_good_certificate(judging)
        assert reason_of(caught) is Reason.CERTIFICATE_EXPIRED


async def test_a_stranger(judging: Verifier) -> None:
    present = judged(judging, made(identity=user(stranger())).der)
    present.expect_right_signature()
    assert present.peer is None
    with pytest.raises(Refusal) as caught:
        await present.expect_good_certificate(judging)
    assert reason_of(caught) is Reason.CERTIFICATE_UNTRUSTED


async def test_an_unknown_status(threads: Threads) -> None:
    judging = verifier(threads, GivenStatuses({signer().leaf.serial: UNKNOWN}))
    with pytest.raises(Refusal) as caught:
        await judged(judging, streamed()).expect_good_certificate(judging)
    assert reason_of(caught) is Reason.STATUS_UNKNOWN
