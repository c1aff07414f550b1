"""A time stamp for any data."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.support.calls import CALLER, GivenAuthority, answer, refusal, stamps
from tests.support.garbage import cycles
from tests.support.guide_shape import TIME_STAMP, assert_shape, without
from tests.support.loopback import TIME_LIMIT
from tests.support.messages import DOCUMENT
from tunnel_gateway.cms.time_stamp import AuthorityRefusedError, parse_time_stamp
from tunnel_gateway.errors import TimeStampError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.rest.call import Call
from tunnel_gateway.rest.methods import timestamp_data
from tunnel_gateway.rest.methods.timestamp_data import TimestampData
from tunnel_gateway.rest.statuses import Reason, Refusal, status_of
from tunnel_gateway.rest.time_stamp_client import (
    AuthorityAwayError,
    AuthorityNotSetError,
    WrongAnswerError,
)
from tunnel_gateway.rest.working import Threads


async def test_the_token_and_its_facts(threads: Threads) -> None:
    for data in (DOCUMENT, bytes(300_000)):
        fields = await answer(TimestampData(threads, stamps()), data)
        assert list(fields) == ["timeStampTokenBase64", "timeStampInfo"]
        stamp = parse_time_stamp(fields["timeStampTokenBase64"])
        assert stamp.message_imprint == digest(data)
        info = fields["timeStampInfo"]
        assert info["messageImprintDigest"] == digest(data).hex()
        assert info["time"] == "2026-03-01 17:00:00"
        of_certificates = [name for name in TIME_STAMP if name not in info]
        assert_shape(info, without(TIME_STAMP, *of_certificates))
        assert of_certificates[:2] == ["certificate", "OCSPResponse"]


async def test_a_large_document_is_digested_where_nobody_small_waits(threads: Threads) -> None:
    authority, free = GivenAuthority(), threading.Event()
    small = asyncio.ensure_future(threads.run(CALLER, 1, free.wait, TIME_LIMIT))
    large = asyncio.ensure_future(answer(TimestampData(threads, stamps(authority)), bytes(300_000)))
    async with asyncio.timeout(TIME_LIMIT):
        while not authority.asked:  # noqa: ASYNC110 (no event)
            await asyncio.sleep(0.01)
    assert not small.done()
    free.set()
    assert await large
    await small


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (AuthorityNotSetError("set tsp.url"), Reason.NOT_CONFIGURED),
        (AuthorityAwayError("no answer"), Reason.AUTHORITY_AWAY),
        (AuthorityRefusedError("rejection"), Reason.AUTHORITY_REFUSED),
        (WrongAnswerError("another nonce"), Reason.AUTHORITY_REFUSED),
    ],
)
async def test_without_a_time_stamp(
    threads: Threads, fault: TimeStampError, reason: Reason
) -> None:
    refused = await refusal(TimestampData(threads, stamps(GivenAuthority(fault))), DOCUMENT)
    assert (refused.reason, status_of(refused.reason)) == (reason, -503)
    assert refused.for_log == str(fault)
    assert refused.detail == (str(fault) if reason is Reason.NOT_CONFIGURED else "")


async def test_nothing_is_digested_if_no_authority_is_set(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    digested: list[bytes] = []
    monkeypatch.setattr(timestamp_data, "digest", digested.append)
    nobody = TimestampData(threads, stamps(GivenAuthority(AuthorityNotSetError("set tsp.url"))))
    assert (await refusal(nobody, DOCUMENT)).reason is Reason.NOT_CONFIGURED
    assert not digested


async def test_cycles(threads: Threads) -> None:
    method = TimestampData(threads, stamps(GivenAuthority(AuthorityAwayError("no answer"))))
    with cycles() as left:
        for _ in range(3):
            await attempt(method)
    assert not left, left


async def attempt(method: TimestampData) -> None:
    try:
        await method.answer(Call(method.path, CALLER, (DOCUMENT,)))
    except Refusal:
        return
