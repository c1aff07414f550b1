"""The states as metrics, on parts that are really there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.admin import overview, samples
from tests.support.credentials import FIRST_DOMAIN, NOW, SECOND_DOMAIN, Credentials
from tests.support.house import house


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
