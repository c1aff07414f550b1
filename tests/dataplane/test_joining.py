"""Which relay a tunnel gets."""

from __future__ import annotations

import errno
import os
import sys

import pytest

from tests.support.joined import BROKE_OFF, carrier_of, joined
from tunnel_gateway.dataplane import plane
from tunnel_gateway.dataplane.joining import (
    MAX_WORKERS,
    start_plane,
    thread_count,
    usable_cores,
)
from tunnel_gateway.dataplane.native_relay import NativeRelay
from tunnel_gateway.transport.streams.relay import Relay


async def test_a_system_with_a_data_plane() -> None:
    started = start_plane(2, BROKE_OFF)
    assert started is not None
    assert len(started.figures()) == 2
    started.close()


def test_without_a_number_there_is_a_thread_for_each_usable_core(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert thread_count(7) == 7
    assert thread_count(None) == usable_cores() == len(os.sched_getaffinity(0))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(2000))
    assert thread_count(None) == MAX_WORKERS


async def test_no_more_threads_than_that() -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        start_plane(MAX_WORKERS + 1, BROKE_OFF)


async def test_a_system_that_refuses_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(plane, "DataPlane", refuse)
    with pytest.raises(OSError, match=r"temporarily unavailable; .*TasksMax=") as caught:
        start_plane(5, BROKE_OFF)
    assert caught.value.errno == errno.EAGAIN


async def test_a_system_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert start_plane(2, BROKE_OFF) is None
    assert start_plane(None, BROKE_OFF) is None
    assert thread_count(None) == os.cpu_count()


@pytest.mark.parametrize(("kind", "relay"), [("python", Relay), ("native", NativeRelay)])
async def test_the_relay_is_of_that_kind(kind: str, relay: type) -> None:
    with carrier_of(kind) as carrier:
        async with joined(carrier) as pair:
            assert isinstance(pair.relay, relay)
