"""Places for tunnels and handshakes: so many, and each comes back."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.gateway.test_policy import peers
from tests.support.held import holding, holding_later
from tunnel_gateway.daemon.resident_memory import MIB, MemoryWatch
from tunnel_gateway.errors import OverloadedError, RateLimitedError, TooManyTunnelsError
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.limits.admission import Admission, Limits
from tunnel_gateway.limits.places import Held
from tunnel_gateway.limits.sources import SourceLimits
from tunnel_gateway.transport.wire.rates import Rate

NONE = SourceLimits(None, 0, 0)
THREE = Limits(tunnels=3, handshakes=3, certificate=0, source=NONE)
HOST = "192.0.2.1"


def test_so_many_tunnels_and_no_more() -> None:
    admission = Admission(THREE)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(holding(admission.tunnel))
        for _ in range(2):
            with pytest.raises(OverloadedError, match=r"^3 .* tunnel\.limit") as caught:
                stack.enter_context(holding(admission.tunnel))
            assert caught.value.limit is Limit.TUNNELS
        assert admission.tunnels == 3
    assert admission.tunnels == 0
    with holding(admission.tunnel):
        pass


def test_so_many_handshakes_and_no_more() -> None:
    admission = Admission(THREE)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(holding(admission.handshake, HOST))
        with pytest.raises(OverloadedError, match=r"^3 .* tunnel\.handshake\.limit") as caught:
            stack.enter_context(holding(admission.handshake, HOST))
        assert caught.value.limit is Limit.HANDSHAKES
    assert admission.handshakes == 0


def test_a_place_comes_back_after_an_error() -> None:
    admission = Admission(replace(THREE, tunnels=1, handshakes=1))
    for _ in range(3):
        with (
            pytest.raises(ZeroDivisionError),
            holding(admission.tunnel),
            holding(admission.handshake, HOST),
        ):
            raise ZeroDivisionError
    assert (admission.tunnels, admission.handshakes) == (0, 0)


def test_a_source_that_is_refused_takes_no_handshake() -> None:
    admission = Admission(replace(THREE, source=SourceLimits(None, 1, 0)))
    with holding(admission.handshake, HOST):
        with pytest.raises(RateLimitedError), holding(admission.handshake, HOST):
            pytest.fail("there was no place")
        with holding(admission.handshake, "192.0.2.2"):
            assert admission.handshakes == 2


async def test_a_source_has_its_rate() -> None:
    now = 5.0
    limits = replace(THREE, source=SourceLimits(Rate(1, 2), 0, 0))
    admission = Admission(limits, lambda: now)
    for _ in range(2):
        async with holding_later(admission.source, HOST):
            pass
    with pytest.raises(RateLimitedError):
        async with holding_later(admission.source, HOST):
            pytest.fail("the burst is over")
    now += 1
    async with holding_later(admission.source, HOST):
        pass
    admission.set_limits(THREE)
    for _ in range(10):
        async with holding_later(admission.source, HOST):
            pass


async def test_a_certificate_has_so_many_tunnels() -> None:
    admission = Admission(replace(THREE, certificate=1))
    person, officer = peers()["person"], peers()["officer"]
    async with holding_later(admission.certificate, person):
        with pytest.raises(TooManyTunnelsError, match=r"tunnel\.certificate\.limit") as caught:
            async with holding_later(admission.certificate, person):
                pytest.fail("there was no place")
        assert caught.value.limit is Limit.CERTIFICATE_TUNNELS
        async with holding_later(admission.certificate, officer):
            pass
        admission.set_limits(replace(THREE, certificate=2))
        async with holding_later(admission.certificate, person):
            pass
    admission.set_limits(replace(THREE, certificate=1))
    async with holding_later(admission.certificate, person):
        pass


def test_no_tunnel_once_memory_is_full() -> None:
    memory = MemoryWatch(MIB)
    admission = Admission(THREE, memory=memory)
    with (
        pytest.raises(OverloadedError, match=r"tunnel\.memory\.limit allows 1$") as caught,
        holding(admission.tunnel),
    ):
        pytest.fail("there was no place")
    assert caught.value.limit is Limit.MEMORY
    memory.limit = 0
    with holding(admission.tunnel):
        pass


class FullFleet:
    """Other gateways hold everything; ``told`` is what they were told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def claim(self, key: str, own: int, limit: int) -> asyncio.Future[bool]:
        self.told.append(("claim", own))
        return answered(False)

    def release(self, key: str, own: int) -> None:
        self.told.append(("release", own))

    def allows(self, key: str, rate: Rate) -> asyncio.Future[bool]:
        return answered(False)


def answered(value: bool) -> asyncio.Future[bool]:
    future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    future.set_result(value)
    return future


async def test_a_fleet_that_is_far_away_is_not_waited_for_before_the_handshake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = FullFleet()
    later: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(fleet, "allows", lambda *_: later)
    admission = Admission(replace(THREE, source=SourceLimits(Rate(1, 1), 0, 0)), fleet=fleet)
    async with holding_later(admission.source, HOST) as check_rate:
        later.set_result(False)
        with pytest.raises(RateLimitedError, match="all gateways together"):
            await check_rate()


async def test_the_fleet_is_asked_for_what_it_counts() -> None:
    source = SourceLimits(Rate(1, 1), 0, 0)
    fleet = FullFleet()
    admission = Admission(replace(THREE, certificate=3, source=source), fleet=fleet)
    with pytest.raises(RateLimitedError, match="all gateways together"):
        async with holding_later(admission.source, HOST):
            pytest.fail("the fleet had no place")
    peer = next(iter(peers().values()))
    with pytest.raises(TooManyTunnelsError, match="all gateways together") as caught:
        async with holding_later(admission.certificate, peer):
            pytest.fail("the fleet had no place")
    assert caught.value.limit is Limit.CERTIFICATE_TUNNELS
    assert fleet.told == [("claim", 1), ("release", 0)]


async def test_a_refused_certificate_gives_its_place_back_at_once() -> None:
    fleet = FullFleet()
    admission = Admission(replace(THREE, certificate=3), fleet=fleet)
    held = Held()
    with pytest.raises(TooManyTunnelsError):
        await admission.certificate(next(iter(peers().values())), held)
    assert fleet.told == [("claim", 1), ("release", 0)]
    held.release()
    assert len(fleet.told) == 2


async def test_the_fleet_is_not_asked_where_there_is_no_limit() -> None:
    admission = Admission(THREE, fleet=FullFleet())
    async with (
        holding_later(admission.source, HOST),
        holding_later(admission.certificate, next(iter(peers().values()))),
    ):
        pass
