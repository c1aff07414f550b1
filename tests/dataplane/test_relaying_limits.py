"""The limits of an open tunnel, whoever carries its bytes."""

from __future__ import annotations

import asyncio

import pytest

from tests.dataplane.test_relaying import alert_at, on_both_ends, received
from tests.support.joined import Carrier, joined, receive_all
from tunnel_gateway.errors import ShuttingDownError, TimedOutError
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.transport.streams.relay import RelayEnd
from tunnel_gateway.transport.streams.stream import RECEIVE_BUFFER

MIB = 2**20


def check_timed_out(end: RelayEnd, reason: str, limit: Limit) -> None:
    assert end.reason == reason
    assert isinstance(end.error, TimedOutError)
    assert end.error.limit is limit


@on_both_ends
async def test_an_end_that_the_other_side_does_not_answer(first: str, carrier: Carrier) -> None:
    async with joined(carrier, half_close=0.05) as pair:
        await pair.ends(first)[0].finish()
        end = await pair.end()
        check_timed_out(end, "half_close_timeout", Limit.HALF_CLOSE)
        assert str(end.error) == "the half-close time-out was reached"
        if first == "client":
            assert (await alert_at(pair.client)).name == "timed_out"
        else:  # after our close nothing more is said
            assert await receive_all(pair.client) == b""


async def test_nobody_says_anything(carrier: Carrier) -> None:
    loop = asyncio.get_running_loop()
    async with joined(carrier, idle=0.2) as pair:
        started = loop.time()
        for _ in range(4):  # each byte is a new start
            await asyncio.sleep(0.1)
            await pair.client.send(b".")
            assert await received(pair.plain, 1) == b"."
        end = await pair.end()
        assert loop.time() - started >= 0.5
        check_timed_out(end, "idle_timeout", Limit.IDLE)
        assert str(end.error) == "the idle time-out was reached"
        assert (await alert_at(pair.client)).name == "timed_out"


async def test_a_busy_tunnel_has_an_end_too(carrier: Carrier) -> None:
    async with joined(carrier, lifetime=0.3) as pair:
        while not pair.running.done():
            await pair.client.send(b".")
            await asyncio.sleep(0.01)
        end = await pair.end()
        check_timed_out(end, "lifetime_timeout", Limit.LIFETIME)
        assert str(end.error) == "the lifetime time-out was reached"
        assert (await alert_at(pair.client)).name == "timed_out"


class TestBandwidth:
    @on_both_ends
    async def test_no_more_than_the_burst_and_the_rate(self, first: str, carrier: Carrier) -> None:
        rate = 4 * MIB
        async with joined(carrier, bandwidth=rate) as pair:
            one, other = pair.ends(first)
            loop = asyncio.get_running_loop()
            started = loop.time()
            sending = asyncio.create_task(one.send(bytes(8 * MIB)))
            taken = 0
            while taken < 8 * MIB:
                taken += len(await other.receive())
                # A second's burst, and what one read may bring before it is known.
                assert taken <= rate * (1 + loop.time() - started) + RECEIVE_BUFFER
            await sending
            # The other direction has tokens of its own.
            await other.send(b"javob")
            assert await received(one, 5) == b"javob"

    async def test_it_goes_on_when_both_reasons_to_wait_are_over(self, carrier: Carrier) -> None:
        """The rate is over, and the other side does not read: each alone must not let it go."""
        async with joined(carrier, bandwidth=16 * MIB) as pair:
            sending = asyncio.create_task(pair.client.send(bytes(24 * MIB)))
            await asyncio.wait((sending,), timeout=1.5)
            assert not sending.done()
            assert len(await received(pair.plain, 24 * MIB)) == 24 * MIB
            await sending

    async def test_an_end_while_it_waits(self, carrier: Carrier) -> None:
        async with joined(carrier, bandwidth=MIB // 8) as pair:
            sending = asyncio.create_task(pair.client.send(bytes(MIB)))
            await pair.plain.receive()
            pair.relay.stop(ShuttingDownError("the gateway is stopping"))
            assert (await pair.end()).reason == "shutting_down"
            await asyncio.wait((sending,))


@pytest.mark.parametrize("limit", ["idle", "lifetime"])
async def test_a_limit_far_away_ends_nothing(limit: str, carrier: Carrier) -> None:
    limits = {"idle": 1e9} if limit == "idle" else {"lifetime": 1e9}
    async with joined(carrier, **limits) as pair:  # type: ignore[arg-type]
        await pair.client.send(b".")
        assert await received(pair.plain, 1) == b"."
        assert not pair.running.done()
