"""The data plane as Python sees it: threads, figures, news, and its end."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.joined import BROKE_OFF
from tests.support.loopback import TIME_LIMIT, receive
from tunnel_gateway.dataplane.endings import STOPPED, Ending
from tunnel_gateway.dataplane.plane import CarriedTunnel, DataPlane, Load
from tunnel_gateway.errors import OverloadedError, ShuttingDownError
from tunnel_gateway.protocol.connection import OpenTunnel
from tunnel_gateway.protocol.record import TrafficKeys
from tunnel_gateway.transport.streams.relay import RelayLimits

KEYS = TrafficKeys(bytes(32), 256)
STOP = ShuttingDownError("stop")


class Owner:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.endings: list[Ending] = []
        self.is_closed = asyncio.Event()

    def tunnel_ended(self, ending: Ending) -> None:
        assert not self.is_closed.is_set()
        self.endings.append(ending)

    def tunnel_closed(self) -> None:
        assert self.endings
        assert not self.is_closed.is_set()
        self.is_closed.set()

    async def closed(self) -> None:
        async with asyncio.timeout(TIME_LIMIT):
            await self.is_closed.wait()


class Peers:
    """The far ends of a tunnel in the plane."""

    def __init__(self, stack: ExitStack) -> None:
        near_client, self.client = socket.socketpair()
        near_plain, self.plain = socket.socketpair()
        for one in (near_client, self.client, near_plain, self.plain):
            one.setblocking(False)
        stack.enter_context(self.client)
        stack.enter_context(self.plain)
        self.near = near_client.detach(), near_plain.detach()

    def load(self, *, begun: bytes = b"", limits: RelayLimits | None = None) -> Load:
        tunnel = OpenTunnel(KEYS, KEYS, begun, peer_closed=False)
        return Load(*self.near, tunnel, limits or RelayLimits(60.0, 60.0), b"", b"")


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def names() -> list[str]:
    """Return the names of the threads that operators see: those of the planes."""
    found = (path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm"))
    return sorted(name for name in found if name.startswith("tunnels-"))


@pytest.fixture
def stack() -> ExitStack:
    return ExitStack()


async def test_operators_see_the_threads_by_name() -> None:
    """In top -H, ps -L and gdb, which read the same file."""
    plane = DataPlane(11, BROKE_OFF)
    expected = sorted(f"tunnels-{number}" for number in range(11))
    async with asyncio.timeout(TIME_LIMIT):
        while names() != expected:  # noqa: ASYNC110 - a thread names itself when it runs
            await asyncio.sleep(0.01)
    plane.close()
    assert names() == []


async def test_each_worker_is_a_thread_with_figures() -> None:
    before = threads()
    plane = DataPlane(3, BROKE_OFF)
    assert threads() == before + 3
    assert [figures.tunnels for figures in plane.figures()] == [0, 0, 0]
    plane.close()
    plane.close()
    assert threads() == before
    assert plane.figures() == []


@pytest.mark.parametrize("workers", [0, 100_000])
async def test_a_number_that_cannot_be(workers: int) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        DataPlane(workers, BROKE_OFF)


async def test_the_tunnels_are_spread_and_counted(stack: ExitStack) -> None:
    plane = DataPlane(2, BROKE_OFF)
    owners = [Owner() for _ in range(6)]
    with stack:
        tunnels = [plane.add(Peers(stack).load(), owner) for owner in owners]
        assert len(plane) == 6
        assert [figures.tunnels for figures in plane.figures()] == [3, 3]
        for tunnel in tunnels:
            tunnel.stop(STOP)
            tunnel.stop(STOP)
    for owner in owners:
        await owner.closed()
        assert owner.endings == [STOPPED]
    assert len(plane) == 0
    assert all(figures.busy > 0 and figures.turns for figures in plane.figures())
    tunnels[0].stop(STOP)  # too late for anything
    tunnels[0].farewell(b"xayr")
    plane.close()


async def test_a_close_with_open_tunnels(stack: ExitStack) -> None:
    plane = DataPlane(2, BROKE_OFF)
    owners = [Owner() for _ in range(5)]
    with stack:
        peers = [Peers(stack) for _ in owners]
        tunnels = [plane.add(one.load(), owner) for one, owner in zip(peers, owners, strict=True)]
        plane.close()
        for owner in owners:
            assert owner.endings == [STOPPED]
            assert owner.is_closed.is_set()
        for one in peers:
            assert await receive(one.client) == b""
            assert await receive(one.plain) == b""
    assert [tunnel.counts for tunnel in tunnels] == [(0, 0)] * 5
    tunnels[0].stop(STOP)


async def test_an_owner_that_closes_the_plane(stack: ExitStack) -> None:
    """The news that were taken with this one are about tunnels that are gone."""
    plane = DataPlane(1, BROKE_OFF)

    class Closing(Owner):
        def tunnel_ended(self, ending: Ending) -> None:
            super().tunnel_ended(ending)
            plane.close()

    owners = [Closing() for _ in range(4)]
    with stack:
        for owner in owners:
            plane.add(Peers(stack).load(), owner).stop(STOP)
        for owner in owners:
            await owner.closed()
            assert len(owner.endings) == 1


async def test_after_the_close_nothing_is_carried(stack: ExitStack) -> None:
    plane = DataPlane(1, BROKE_OFF)
    plane.close()
    with stack:
        peers = Peers(stack)
        with pytest.raises(ShuttingDownError):
            plane.add(peers.load(), Owner())
        for descriptor in peers.near:  # ours still
            os.close(descriptor)


async def test_what_the_plane_does_not_take_stays_ours(stack: ExitStack) -> None:
    plane = DataPlane(1, BROKE_OFF)
    with stack:
        peers = Peers(stack)
        with pytest.raises(OverloadedError):
            plane.add(peers.load(begun=bytes(100_000)), Owner())
        assert len(plane) == 0
        assert [figures.tunnels for figures in plane.figures()] == [0]
        for descriptor in peers.near:
            os.close(descriptor)
    plane.close()


async def test_a_plane_that_is_forgotten_ends_its_threads() -> None:
    before = threads()
    plane = DataPlane(2, BROKE_OFF)
    asyncio.get_running_loop().remove_reader(plane._news_fd)
    del plane
    gc.collect()
    assert threads() == before


async def test_limits_of_any_size(stack: ExitStack) -> None:
    plane = DataPlane(1, BROKE_OFF)
    owner = Owner()
    with stack:
        limits = RelayLimits(1e30, 1e30, 1e30, 2**62)
        tunnel = plane.add(Peers(stack).load(limits=limits), owner)
        assert isinstance(tunnel, CarriedTunnel)
        await asyncio.sleep(0.05)
        assert owner.endings == []
    await owner.closed()
    plane.close()
