"""The state as JSON: bounded, with rates, and with persons as the setting wants them."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.support.admin import overview
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
