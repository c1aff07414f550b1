"""The states as metrics, on parts that are really there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.admin import carried, overview, samples
from tests.support.credentials import FIRST_DOMAIN, NOW, SECOND_DOMAIN, Credentials
from tests.support.destination import SWITCHED
from tests.support.house import house
from tests.support.loopback import send


def shown(home: Any, name: str, **labels: str) -> float | None:
    found = samples(home.metrics.text().decode())
    return found.get((f"tunnel_gateway_{name}", frozenset(labels.items())))


async def test_what_metrics_show(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path, limit=77) as home:
        seen = overview(home)
        home.metrics.watch(seen.samples)
        assert list(seen.limits()) == [("tunnel.limit", 0, 77), ("tunnel.handshake.limit", 0, 256)]
        for domain in (FIRST_DOMAIN, SECOND_DOMAIN):
            ends = shown(home, "certificate_expiry_timestamp_seconds", domain=domain)
            assert ends is not None
            assert ends > NOW.timestamp()
        assert shown(home, "trust_anchors") == 1
        assert shown(home, "revocation_lists") == 0
        assert shown(home, "revocation_list_expiry_timestamp_seconds") is None
        assert shown(home, "destination_up", dst_id="raw") is None  # not tried yet
        await seen.probes.look()
        assert shown(home, "destination_up", dst_id="raw") == 1
        assert shown(home, "destination_tunnels", dst_id="raw") == 0
        assert shown(home, "connections", stage="open") == 0
        (await home.destination()).close()


async def test_threads_count_what_they_carry(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        seen = overview(home)
        home.metrics.watch(seen.samples)

        def both(name: str, **labels: str) -> float:
            found = [shown(home, name, worker=worker, **labels) for worker in ("0", "1")]
            return sum(one for one in found if one is not None)

        assert both("worker_tunnels") == 0
        _, page, destination = await home.open()
        await send(destination, bytes(50_000))
        await page.received(50_000)
        await carried(seen, len(SWITCHED) + 50_000)
        assert both("worker_tunnels") == 1
        assert both("worker_bytes_total", direction="down") == len(SWITCHED) + 50_000
        assert both("worker_bytes_total", direction="up") == 0
        for name in ("worker_wakeups_total", "worker_turns_total", "worker_busy_seconds_total"):
            assert both(name) > 0
        assert shown(home, "worker_tunnels", worker="2") is None
        destination.close()


async def test_python_carries_the_tunnels(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        plane, home.resources = home.resources.plane, replace(home.resources, plane=None)
        assert not list(overview(home).workers())
        home.resources = replace(home.resources, plane=plane)
