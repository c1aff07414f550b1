"""The hand-over to the data plane: what can be in its way, and what is left behind."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.dataplane.test_relaying import alert_at, received
from tests.support.garbage import cycles
from tests.support.joined import BROKE_OFF, Joined, carrier_with, joined, native_carrier
from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.dataplane import native_relay
from tunnel_gateway.dataplane.native_relay import NativeRelay
from tunnel_gateway.dataplane.plane import DataPlane
from tunnel_gateway.errors import ShuttingDownError, TimedOutError
from tunnel_gateway.transport.streams.relay import RelayEnd

pytestmark = pytest.mark.both_loops

MIB = 2**20
STOP = ShuttingDownError("the gateway is stopping")


def lowest_free_descriptor() -> int:
    descriptor = os.dup(0)
    os.close(descriptor)
    return descriptor


@contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """Leave this process so many descriptors."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free_descriptor() + count, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def handed_over(pair: Joined) -> None:
    """Wait until the plane has the tunnel."""
    await pair.client.send(b"s")
    assert await received(pair.plain, 1) == b"s"
    assert isinstance(pair.relay, NativeRelay)
    assert pair.relay._tunnel is not None


async def test_python_keeps_nothing_of_an_open_tunnel() -> None:
    with native_carrier() as carrier:
        async with joined(carrier) as pair:
            await handed_over(pair)
            assert isinstance(pair.relay, NativeRelay)
            assert pair.relay._parts is None
            assert not pair.channel.alive
            assert not pair.stream.alive


@pytest.mark.parametrize("left", [0, 1])
async def test_without_a_descriptor_it_is_a_refusal(left: int) -> None:
    with native_carrier() as carrier:
        async with joined(carrier) as pair:
            with descriptors_left(left):
                end = await pair.end()
            assert end.reason == "overloaded"
            assert str(end.error) == "the sockets cannot be handed over: Too many open files"
            assert (await alert_at(pair.client)).name == "overloaded"
            assert await pair.plain.receive() == b""


async def test_a_plane_that_cannot_take_it_ends_it() -> None:
    plane = DataPlane(1, BROKE_OFF)
    plane.close()
    async with joined(carrier_with(plane)) as pair:
        assert (await pair.end()).reason == "shutting_down"
        await pair.relay.wait_closed()
        assert await pair.plain.receive() == b""
        assert (pair.relay.bytes_from_channel, pair.relay.bytes_from_socket) == (0, 0)


async def test_a_stop_before_the_hand_over() -> None:
    with native_carrier() as carrier:
        async with joined(carrier) as pair:
            pair.relay.stop(STOP)
            assert await pair.end() == RelayEnd("shutting_down", STOP)
            assert (await alert_at(pair.client)).name == "shutting_down"
            assert pair.relay.bytes_from_channel == 0


async def test_a_stop_while_bytes_still_go_to_the_system() -> None:
    with native_carrier() as carrier:
        async with joined(carrier) as pair:
            pair.channel.write(bytes(16 * MIB))
            await asyncio.sleep(0.05)
            pair.relay.stop(STOP)
            assert (await alert_at(pair.client)).name == "shutting_down"
            assert (await pair.end()).reason == "shutting_down"


async def test_what_was_written_comes_before_what_is_carried() -> None:
    with native_carrier() as carrier:
        async with joined(carrier) as pair:
            pair.channel.write(bytes(16 * MIB))
            await pair.plain.send(b"keyin")
            data = await received(pair.client, 16 * MIB + 5)
            assert data == bytes(16 * MIB) + b"keyin"
            assert pair.relay.bytes_from_socket == 5


async def test_a_client_that_does_not_take_it_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_relay, "FLUSH_SECONDS", 0.1)
    with native_carrier() as carrier:
        async with joined(carrier) as pair:
            pair.channel.write(bytes(16 * MIB))
            end = await pair.end()
            assert isinstance(end.error, TimedOutError)
            assert str(end.error) == "what was written stayed for 0.1 s"


@pytest.mark.parametrize("first", ["client", "plain"])
async def test_a_side_that_is_lost_before(first: str) -> None:
    with native_carrier() as carrier:
        async with joined(carrier) as pair:
            side = pair.channel if first == "client" else pair.stream
            side.connection_lost(ConnectionResetError(104, "reset"))
            end = await pair.end()
            assert end.reason == ("peer_lost" if first == "client" else "destination_lost")


async def test_the_plane_is_closed_while_the_tunnel_is_open() -> None:
    with native_carrier() as carrier:
        async with joined(carrier) as pair:
            await handed_over(pair)
            assert isinstance(pair.relay, NativeRelay)
            pair.relay._plane.close()
            end = await pair.end()
            assert (end.reason, str(end.error)) == ("shutting_down", "the data plane was closed")
            await pair.relay.wait_closed()
            assert pair.relay.bytes_from_channel == 1


async def test_who_waits_for_the_end_of_a_stream_hears_of_it() -> None:
    with native_carrier() as carrier:
        async with joined(carrier) as pair:
            lost: list[str] = []
            pair.stream.call_when_lost(lambda: lost.append("plain"))
            await handed_over(pair)
            assert lost == []
            pair.relay.stop(STOP)
            await pair.end()
            pair.client.socket.close()
            pair.plain.socket.close()
            async with asyncio.timeout(TIME_LIMIT):
                await pair.relay.wait_closed()
            assert lost == ["plain"]


@pytest.mark.parametrize("way", ["a stop", "a reset", "completed", "cancelled"])
async def test_it_leaves_no_cycle(way: str) -> None:
    async def once() -> None:
        async with joined(carrier) as pair:
            await handed_over(pair)
            if way == "a stop":
                pair.relay.stop(STOP)
            elif way == "a reset":
                pair.client.reset()
            elif way == "completed":
                await pair.client.finish()
                await pair.plain.finish()
            else:
                pair.running.cancel()

    with native_carrier() as carrier:
        for _ in range(2):
            await once()
        with cycles() as left:
            for _ in range(3):
                await once()
            await asyncio.sleep(0.05)
    # A transport of asyncio always refers to itself; what matters is that it has nothing of ours.
    assert not [name for name in left if name.startswith("tunnel_gateway")]
