"""Requests for time stamps: nobody takes the places of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.calls import CALLER, GivenAuthority
from tests.support.garbage import cycles
from tests.support.loopback import TIME_LIMIT
from tests.support.rest import until
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding.oids import FAMILY_2009, Family
from tunnel_gateway.rest.call import Caller
from tunnel_gateway.rest.stamp_requests import SOURCE_PLACES, USER_PLACES, StampRequests
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.time_stamp_client import AuthorityAwayError, AuthorityNotSetError

IMPRINT = digest(b"a document")
APPLICATION = Caller("10.0.0.1", "10.0.0.1", own=True)


def user(number: int) -> Caller:
    return Caller("127.0.0.1", f"192.0.2.{number}")


class Slow(GivenAuthority):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()

    async def stamp(self, imprint: bytes, family: Family) -> bytes:
        token = await super().stamp(imprint, family)
        await self.answers.wait()
        return token


class Crowd:
    """Callers that wait for one authority."""

    def __init__(self, seconds: float = TIME_LIMIT) -> None:
        self.authority = Slow()
        self.requests = StampRequests(self.authority, seconds)
        self.asking: list[asyncio.Task[bytes]] = []

    async def ask(self, caller: Caller, count: int) -> int:
        """Ask ``count`` times; return how many requests have come to the authority by then."""
        self.asking += (
            asyncio.create_task(self.requests.stamp(caller, IMPRINT, FAMILY_2009))
            for _ in range(count)
        )
        for _ in range(10):  # each task goes on until it waits
            await asyncio.sleep(0)
        return self.authority.asked


async def test_one_source_has_its_share_and_no_more() -> None:
    crowd = Crowd()
    assert await crowd.ask(user(1), 50) == SOURCE_PLACES
    assert await crowd.ask(user(2), 1) == SOURCE_PLACES + 1
    crowd.authority.answers.set()
    assert len(await asyncio.gather(*crowd.asking)) == 51
    assert crowd.authority.asked == 51
    crowd.asking.clear()
    assert not crowd.requests._sources  # nobody is remembered


async def test_there_is_room_for_the_application() -> None:
    crowd = Crowd()
    for number in range(USER_PLACES):
        await crowd.ask(user(number), SOURCE_PLACES)
    assert crowd.authority.asked == USER_PLACES
    assert await crowd.ask(APPLICATION, 9) == USER_PLACES + 9
    crowd.authority.answers.set()
    await asyncio.gather(*crowd.asking)


async def test_who_waits_too_long_is_told() -> None:
    crowd = Crowd(0.01)
    await crowd.ask(user(1), SOURCE_PLACES + 1)
    await until(crowd.asking[-1].done)
    refusal = crowd.asking.pop().exception()
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.OVERLOADED
    crowd.authority.answers.set()
    await asyncio.gather(*crowd.asking)
    assert await crowd.requests.stamp(user(1), IMPRINT, FAMILY_2009)  # the places are free again


async def test_whom_nobody_waits_for_gives_the_place_back() -> None:
    crowd = Crowd()
    await crowd.ask(user(1), SOURCE_PLACES + 1)
    for task in crowd.asking[:-1]:
        task.cancel()
    await until(lambda: crowd.authority.asked == SOURCE_PLACES + 1)
    crowd.authority.answers.set()
    assert await crowd.asking[-1]


def test_without_an_authority_nothing_is_worked_out() -> None:
    StampRequests(GivenAuthority(), 1).expect_set()
    nobody = StampRequests(GivenAuthority(AuthorityNotSetError("set tsp.url")), 1)
    with pytest.raises(Refusal) as caught:
        nobody.expect_set()
    assert (caught.value.reason, caught.value.detail) == (Reason.NOT_CONFIGURED, "set tsp.url")


async def test_cycles() -> None:
    away = StampRequests(GivenAuthority(AuthorityAwayError("http://10.0.0.9: no answer")), 1)
    crowd = Crowd(0.001)
    await crowd.ask(user(1), SOURCE_PLACES)
    with cycles() as left:
        for _ in range(3):
            with refused():
                await away.stamp(CALLER, IMPRINT, FAMILY_2009)
            with refused():
                await crowd.requests.stamp(user(1), IMPRINT, FAMILY_2009)
    assert not left, left
    crowd.authority.answers.set()
    await asyncio.gather(*crowd.asking)


@contextmanager
def refused() -> Iterator[None]:
    try:
        yield
    except Refusal:
        return
    raise AssertionError
