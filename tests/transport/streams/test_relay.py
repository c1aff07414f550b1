"""Two streams joined: bytes, ends, limits, and one reason for the end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.loopback import (
    TIME_LIMIT,
    receive,
    receive_all,
    reset,
    send,
    stream_and_socket,
)
from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import (
    DestinationUnreachableError,
    ShuttingDownError,
    TimedOutError,
    TunnelGatewayError,
)
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.transport.streams.relay import Relay, RelayEnd, RelayLimits
from tunnel_gateway.transport.streams.stream import RECEIVE_BUFFER, SocketStream

MIB = 2**20
BROKE_OFF = DestinationUnreachableError("the destination broke off")


@dataclass
class Joined:
    """A running relay; ``left`` and ``right`` are the plain sockets at its two ends."""

    relay: Relay
    left: socket.socket
    right: socket.socket
    running: asyncio.Task[RelayEnd]
    aborted_with: list[TunnelGatewayError]
    streams: tuple[SocketStream, SocketStream]

    async def end(self) -> RelayEnd:
        async with asyncio.timeout(TIME_LIMIT):
            return await self.running


@asynccontextmanager
async def joined(
    *,
    idle: float = 60.0,
    half_close: float = 60.0,
    lifetime: float = 0.0,
    bandwidth: int = 0,
    before: bytes = b"",
    **options: Any,
) -> AsyncIterator[Joined]:
    """Two plain sockets with a relay between; ``before`` comes on both sides before it runs."""
    one, left = await stream_and_socket()
    other, right = await stream_and_socket()
    aborted_with: list[TunnelGatewayError] = []
    abort = one.abort

    def remember(error: TunnelGatewayError) -> None:
        aborted_with.append(error)
        abort(error)

    one.abort = remember  # type: ignore[method-assign]
    if before:
        for plain, stream in ((left, one), (right, other)):
            await send(plain, before)
            stream.inbox.unread(await stream.inbox.receive())
    limits = RelayLimits(idle, half_close, lifetime, bandwidth)
    options = {"on_socket_lost": BROKE_OFF} | options
    relay = Relay(one, other, limits, socket_lost=EndReason.DESTINATION_LOST, **options)
    running = asyncio.create_task(relay.run(one.inbox, other.inbox))
    try:
        yield Joined(relay, left, right, running, aborted_with, (one, other))
    finally:
        relay.stop(ShuttingDownError("the test is over"))
        left.close()
        right.close()
        async with asyncio.timeout(TIME_LIMIT):
            await running
            await one.wait_closed()
            await other.wait_closed()


async def test_bytes_pass_and_are_counted() -> None:
    async with joined() as pair:
        await send(pair.left, b"savol")
        assert await receive(pair.right) == b"savol"
        await send(pair.right, b"javob!")
        assert await receive(pair.left) == b"javob!"
        assert (pair.relay.bytes_from_channel, pair.relay.bytes_from_socket) == (5, 6)
        assert not pair.running.done()


async def test_what_waited_comes_first() -> None:
    async with joined(before=b"avval") as pair:
        await send(pair.left, b" keyin")
        await send(pair.right, b" keyin")
        for plain in (pair.left, pair.right):
            found = b""
            while len(found) < 11:
                found += await receive(plain)
            assert found == b"avval keyin"
        assert pair.relay.bytes_from_channel == 11


@pytest.mark.parametrize("first", ["left", "right"])
async def test_each_direction_ends_on_its_own(first: str) -> None:
    async with joined() as pair:
        one, other = pair.left, pair.right
        if first == "right":
            one, other = other, one
        await send(one, b"tamom")
        one.shutdown(socket.SHUT_WR)
        assert await receive_all(other) == b"tamom"
        assert not pair.running.done()
        await send(other, bytes(MIB))
        other.shutdown(socket.SHUT_WR)
        assert len(await receive_all(one)) == MIB
        assert await pair.end() == RelayEnd("completed")
        assert pair.aborted_with == []


@pytest.mark.parametrize("first", ["left", "right"])
async def test_an_end_that_the_other_side_does_not_answer(first: str) -> None:
    async with joined(half_close=0.05) as pair:
        getattr(pair, first).shutdown(socket.SHUT_WR)
        end = await pair.end()
        assert end.reason == "half_close_timeout"
        assert isinstance(end.error, TimedOutError)
        assert pair.aborted_with == [end.error]


async def test_nobody_says_anything() -> None:
    loop = asyncio.get_running_loop()
    async with joined(idle=0.2) as pair:
        started = loop.time()
        for _ in range(4):  # each byte is a new start
            await asyncio.sleep(0.1)
            await send(pair.left, b".")
            assert await receive(pair.right) == b"."
        end = await pair.end()
        assert loop.time() - started >= 0.5
        assert end.reason == "idle_timeout"
        assert str(end.error) == "the idle time-out was reached"
        assert isinstance(end.error, TimedOutError)
        assert end.error.limit is Limit.IDLE


async def test_a_stop_from_outside() -> None:
    async with joined() as pair:
        error = ShuttingDownError("the gateway is stopping")
        pair.relay.stop(error)
        pair.relay.stop(TimedOutError("too late"))
        assert await pair.end() == RelayEnd("shutting_down", error)
        assert pair.aborted_with == [error]
        assert await receive(pair.right) == b""


async def test_the_tunnels_side_breaks_off() -> None:
    async with joined() as pair:
        reset(pair.left)
        end = await pair.end()
        assert end.reason == "peer_lost"
        assert isinstance(end.error, ConnectionResetError)
        assert await receive(pair.right) == b""


async def test_the_plain_side_breaks_off() -> None:
    async with joined() as pair:
        reset(pair.right)
        end = await pair.end()
        assert end.reason == "destination_lost"
        assert isinstance(end.error, ConnectionResetError)
        assert pair.aborted_with == [BROKE_OFF]


async def test_a_side_that_leaves_in_order() -> None:
    """The tunnel's peer has closed and gone: the channel tells of a loss without an error."""
    async with joined() as pair:
        await asyncio.sleep(0)  # the relay begins
        pair.streams[0].connection_lost(None)
        assert await pair.end() == RelayEnd("peer_left")


async def test_an_error_of_ours_names_the_end() -> None:
    async with joined() as pair:
        error = TimedOutError("too long")
        await asyncio.sleep(0)  # the relay begins
        pair.streams[0].connection_lost(error)
        assert await pair.end() == RelayEnd("timed_out", error)


class TestFarewell:
    async def test_it_is_the_last_word(self) -> None:
        async with joined(farewell=lambda end: f"xayr: {end.reason}".encode()) as pair:
            await send(pair.left, b"javob ")
            await send(pair.right, b"savol")
            assert await receive(pair.left) == b"savol"
            assert await receive(pair.right) == b"javob "
            reset(pair.left)
            assert await receive_all(pair.right) == b"xayr: peer_lost"

    async def test_there_need_not_be_one(self) -> None:
        async with joined(farewell=lambda _: b"") as pair:
            reset(pair.left)
            assert await receive_all(pair.right) == b""

    async def test_none_is_said_to_a_side_that_is_lost(self) -> None:
        async with joined(farewell=lambda _: b"xayr") as pair:
            reset(pair.right)
            assert (await pair.end()).reason == "destination_lost"


@pytest.mark.parametrize("reader", ["left", "right"])
async def test_a_side_that_does_not_read_slows_the_other_down(reader: str) -> None:
    async with joined() as pair:
        slow, fast = (pair.left, pair.right) if reader == "left" else (pair.right, pair.left)
        sending = asyncio.create_task(send(fast, bytes(32 * MIB)))
        done, _ = await asyncio.wait((sending,), timeout=0.5)
        assert not done
        held = pair.relay.bytes_from_channel + pair.relay.bytes_from_socket
        assert held < 24 * MIB
        taken = 0
        while taken < 32 * MIB:
            taken += len(await receive(slow))
        await sending
        assert taken == 32 * MIB
        await send(slow, b"davom")
        assert await receive(fast) == b"davom"


@pytest.mark.parametrize("reader", ["left", "right"])
async def test_what_waited_fills_a_side_that_does_not_read(reader: str) -> None:
    waiting = 32 * MIB  # more than the system's own buffers hold
    async with joined() as pair:
        channel, plain = pair.streams
        slow, fast = (pair.left, pair.right) if reader == "left" else (pair.right, pair.left)
        source = plain if reader == "left" else channel
        source.inbox.unread(bytes(waiting))
        await asyncio.sleep(0)  # the relay begins
        paused = source._paused
        taken = 0
        while taken < waiting:
            taken += len(await receive(slow))
        await send(fast, b"davom")
        assert await receive(slow) == b"davom"
        assert paused


async def test_a_stopped_reader_is_not_kept_waiting() -> None:
    """The write buffer is full when the end comes; the other direction must go on after it."""
    async with joined() as pair:
        await send(pair.left, bytes(MIB))
        pair.left.shutdown(socket.SHUT_WR)
        assert len(await receive_all(pair.right)) == MIB
        await send(pair.right, bytes(8 * MIB))
        pair.right.shutdown(socket.SHUT_WR)
        assert len(await receive_all(pair.left)) == 8 * MIB
        assert (await pair.end()).reason == "completed"


async def test_a_busy_tunnel_has_an_end_too() -> None:
    async with joined(lifetime=0.3) as pair:
        while not pair.running.done():
            await send(pair.left, b".")
            await asyncio.sleep(0.01)
        end = await pair.end()
        assert end.reason == "lifetime_timeout"
        assert isinstance(end.error, TimedOutError)
        assert end.error.limit is Limit.LIFETIME
        assert pair.aborted_with == [end.error]


class TestBandwidth:
    @pytest.mark.parametrize("sender", ["left", "right"])
    async def test_no_more_than_the_burst_and_the_rate(self, sender: str) -> None:
        rate = 4 * MIB
        async with joined(bandwidth=rate) as pair:
            one, other = pair.left, pair.right
            if sender == "right":
                one, other = other, one
            loop = asyncio.get_running_loop()
            started = loop.time()
            sending = asyncio.create_task(send(one, bytes(8 * MIB)))
            taken = 0
            while taken < 8 * MIB:
                taken += len(await receive(other))
                # A second's burst, and what one read may bring before it is known.
                assert taken <= rate * (1 + loop.time() - started) + RECEIVE_BUFFER
            await sending
            # The other direction has tokens of its own.
            await send(other, b"javob")
            assert await receive(one) == b"javob"

    async def test_it_goes_on_when_both_reasons_to_wait_are_over(self) -> None:
        """The rate is over, and the other side does not read: each alone must not let it go."""
        async with joined(bandwidth=16 * MIB) as pair:
            sending = asyncio.create_task(send(pair.left, bytes(24 * MIB)))
            side = pair.relay._from_channel
            async with asyncio.timeout(TIME_LIMIT):
                while not getattr(side, "full", False):  # noqa: ASYNC110 (nobody announces it)
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            taken = 0
            while taken < 24 * MIB:
                taken += len(await receive(pair.right))
            await sending

    async def test_an_end_while_it_waits(self) -> None:
        async with joined(bandwidth=MIB // 8) as pair:
            await send(pair.left, bytes(MIB))
            await receive(pair.right)
            pair.relay.stop(ShuttingDownError("the gateway is stopping"))
            assert (await pair.end()).reason == "shutting_down"
            assert getattr(pair.relay._from_channel, "timer", None) is None
