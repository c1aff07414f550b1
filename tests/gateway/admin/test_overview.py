"""The states as metrics, and what makes the gateway not ready; on parts that are really there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.admin import overview, samples
from tests.support.credentials import FIRST_DOMAIN, NOW, SECOND_DOMAIN, Credentials
from tests.support.house import house
from tunnel_gateway.daemon.stopping import StopStep
from tunnel_gateway.limit_keys import Limit


def shown(home: Any, name: str, **labels: str) -> float | None:
    found = samples(home.metrics.text().decode())
    return found.get((f"tunnel_gateway_{name}", frozenset(labels.items())))


async def test_what_metrics_show(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path, limit=77, memory_limit=0) as home:
        seen = overview(home)
        seen.watch(home.metrics)
        assert shown(home, "limit", limit="tunnel.limit") == 77
        assert shown(home, "limit_used", limit="tunnel.limit") == 0
        assert shown(home, "limit", limit="tunnel.memory.limit") is None
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
        assert shown(home, "ready") == 1
        (await home.destination()).close()


async def test_ready_when_destinations_answer(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        seen = overview(home)
        assert len(seen.health.not_ready()) == 2
        await seen.probes.look()
        assert seen.health.not_ready() == []
        seen.stopping.begin(StopStep.NOT_READY)
        assert seen.health.not_ready() == ["stopping"]
        (await home.destination()).close()


async def test_memory_that_is_full_is_said(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path, memory_limit=1) as home:
        seen = overview(home)
        seen.watch(home.metrics)
        assert "tunnel.memory.limit is reached" in "".join(seen.health.warnings())
        assert shown(home, "limit", limit=Limit.MEMORY.value) == 1 << 20
