"""Which relay a tunnel gets."""

from __future__ import annotations

import sys

import pytest

from tests.support.joined import BROKE_OFF, carrier_of, joined
from tunnel_gateway.dataplane.joining import start_plane
from tunnel_gateway.dataplane.native_relay import NativeRelay
from tunnel_gateway.transport.streams.relay import Relay


async def test_a_system_with_a_data_plane() -> None:
    plane = start_plane(2, BROKE_OFF)
    assert plane is not None
    assert len(plane.figures()) == 2
    plane.close()


async def test_a_system_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert start_plane(2, BROKE_OFF) is None


@pytest.mark.parametrize(("kind", "relay"), [("python", Relay), ("native", NativeRelay)])
async def test_the_relay_is_of_that_kind(kind: str, relay: type) -> None:
    with carrier_of(kind) as carrier:
        async with joined(carrier) as pair:
            assert isinstance(pair.relay, relay)
