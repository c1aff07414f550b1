"""The state as JSON: bounded, with rates, and with persons as the setting wants them."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.admin import carried, overview
from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED
from tests.support.house import house
from tests.support.loopback import LOOPBACK, send
from tunnel_gateway.gateway.admin import status_json as module
from tunnel_gateway.gateway.admin.status_json import StatusJson
from tunnel_gateway.observability.masking import show_personal


async def test_a_tunnel_and_its_rate(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RATE_SECONDS", 0.1)
    async with house(credentials, tmp_path) as home:
        _, page, destination = await home.open()
        status = StatusJson(overview(home))
        (first,) = (await status.make())["connections_shown"]
        assert first["rate_down"] == 0
        await send(destination, bytes(100_000))
        await page.received(100_000)
        state = await status.make()
        (second,) = state["connections_shown"]
        assert second["bytes_down"] == len(SWITCHED) + 100_000
        assert second["rate_down"] > 0
        assert json.loads(json.dumps(state)) == state
        assert second["user"] == "G… O…"
        pinfl = credentials.citizen.identity.leaf.pinfl
        assert pinfl is not None
        assert pinfl not in json.dumps(state)
        show_personal("full")
        try:
            shown = (await status.make())["connections_shown"]
        finally:
            show_personal("masked")
        assert shown[0]["user"] == credentials.citizen.identity.leaf.common_name
        destination.close()


async def test_threads_and_how_busy_they_are(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RATE_SECONDS", 0.1)
    async with house(credentials, tmp_path) as home:
        _, page, destination = await home.open()
        seen = overview(home)
        status = StatusJson(seen)
        await carried(seen, len(SWITCHED))
        before = (await status.make())["workers"]
        assert [one["worker"] for one in before] == [0, 1]
        assert sorted(one["tunnels"] for one in before) == [0, 1]
        await send(destination, bytes(100_000))
        await page.received(100_000)
        await carried(seen, len(SWITCHED) + 100_000)
        after = (await status.make())["workers"]
        (busy,) = (one for one in after if one["tunnels"])
        (idle,) = (one for one in after if not one["tunnels"])
        earlier = before[busy["worker"]]
        assert busy["bytes_down"] - earlier["bytes_down"] == 100_000
        assert busy["rate_down"] > 0
        assert busy["turns"] > earlier["turns"]
        assert busy["wakeups"] > earlier["wakeups"]
        assert 0 < busy["busy"] <= 1
        assert busy["busy_seconds"] >= earlier["busy_seconds"]
        assert (idle["bytes_up"], idle["bytes_down"], idle["rate_down"]) == (0, 0, 0)
        assert json.loads(json.dumps(after)) == after
        destination.close()


async def test_python_carries_the_tunnels(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        plane, home.resources = home.resources.plane, replace(home.resources, plane=None)
        assert (await StatusJson(overview(home)).make())["workers"] == []
        home.resources = replace(home.resources, plane=plane)


async def test_it_is_bounded(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RATE_SECONDS", 0.0)
    monkeypatch.setattr(module, "MAX_SHOWN", 2)
    async with house(credentials, tmp_path) as home:
        strangers = []
        for number in range(5):
            strangers.append(socket.create_connection((LOOPBACK, home.listener.port)))
            while len(home.sessions) <= number:
                home.started.clear()
                await home.started.wait()
        state = await StatusJson(overview(home)).make()
        assert state["connections_total"] == 5
        oldest = [session.facts.client for session in home.sessions][:2]
        assert [one["client"] for one in state["connections_shown"]] == oldest
        assert state["connections"] == {"handshake": 5}
        for one in strangers:
            one.close()
        await home.ended()
