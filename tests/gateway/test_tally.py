"""Counts of connections: bytes that never go back, and labels of the configuration alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.admin import samples
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.destination import SWITCHED
from tests.support.house import House, house
from tests.support.loopback import receive_all, send
from tunnel_gateway.errors import AlertReceivedError, DestinationUnreachableError
from tunnel_gateway.gateway.tally import Tally
from tunnel_gateway.observability.metrics import Metrics

COMPLETED = {"reason": "completed", "protocol": "own"}
REFUSED = {"reason": "unknown_destination", "protocol": "own"}
LABELS = {"domain": FIRST_DOMAIN, "dst_id": "raw"}


def shown(metrics: Metrics, name: str, **labels: str) -> float:
    found = samples(metrics.text().decode())
    return found[f"tunnel_gateway_{name}", frozenset(labels.items())]


def down(home: House) -> float:
    return shown(home.metrics, "bytes_total", direction="down", **LABELS)


async def one_tunnel(home: House, size: int, before: float) -> None:
    """Open a tunnel, let it carry ``size`` bytes down, look meanwhile, and end it."""
    tunnel, page, destination = await home.asked()
    await send(destination, SWITCHED + bytes(size))
    await page.received(len(SWITCHED) + size)
    assert shown(home.metrics, "tunnels_open", **LABELS) == 1
    assert down(home) == before + len(SWITCHED) + size
    tunnel.channel.write_eof()
    assert await receive_all(destination) == b""
    destination.close()
    await page.saw("eof")
    tunnel.channel.close()
    await home.ended()


async def test_bytes_of_running_and_of_ended_tunnels(
    credentials: Credentials, tmp_path: Path
) -> None:
    async with house(credentials, tmp_path) as home:
        total = 0.0
        for number, size in enumerate((1000, 0, 50_000), start=1):
            await one_tunnel(home, size, total)
            total += len(SWITCHED) + size
            assert down(home) == total
            assert shown(home.metrics, "tunnels_open", **LABELS) == 0
            assert shown(home.metrics, "tunnels_opened_total", protocol="own", **LABELS) == number
            assert shown(home.metrics, "tunnels_closed_total", **COMPLETED) == number
        assert shown(home.metrics, "bytes_total", direction="up", **LABELS) == 0
        assert shown(home.metrics, "handshake_seconds_count") == 3
        assert shown(home.metrics, "connect_seconds_count", dst_id="raw") == 3


async def test_a_refusal_opens_nothing(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        with pytest.raises(AlertReceivedError, match="unknown_destination"):
            await home.client("nowhere")
        await home.ended()
        assert shown(home.metrics, "refusals_total", **REFUSED) == 1
        assert "nowhere" not in home.metrics.text().decode()


async def test_a_connect_that_fails_is_counted_and_not_measured() -> None:
    metrics = Metrics()
    tally = Tally(metrics)
    with pytest.raises(DestinationUnreachableError), tally.connecting("0"):
        raise DestinationUnreachableError("no")
    assert shown(metrics, "connect_failures_total", dst_id="0") == 1
    assert "connect_seconds_count" not in metrics.text().decode()
