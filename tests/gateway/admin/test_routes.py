"""The gateway's own answers, by its parts; tests/scenarios/test_admin.py asks real gateways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.admin import Operator, overview, samples
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.house import House, house
from tunnel_gateway.config.admin import AdminAddress
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.gateway.admin.routes import admin_server


@pytest.fixture
async def home(credentials: Credentials, tmp_path: Path) -> AsyncIterator[House]:
    async with house(credentials, tmp_path) as home:
        address = AdminAddress(path=tmp_path / "admin.sock")
        admin = admin_server((address,), overview(home), home.metrics, Audit())
        await admin.start()
        try:
            yield home
            (await home.destination()).close()  # the first connection was a probe
        finally:
            await admin.close()


async def test_the_state_for_people_and_for_programs(home: House, tmp_path: Path) -> None:
    operator = Operator(tmp_path / "admin.sock")
    for path in ("/", "/status"):
        page = await asyncio.to_thread(operator.ask, path)
        assert FIRST_DOMAIN in page.text
        assert page.headers["Content-Type"].startswith("text/html")
    style = await asyncio.to_thread(operator.ask, "/status.css")
    assert style.headers["Content-Type"].startswith("text/css")
    state = await asyncio.to_thread(operator.ask, "/status.json")
    assert {one["domain"] for one in state.json["domains"]} >= {FIRST_DOMAIN}
    metrics = samples((await asyncio.to_thread(operator.ask, "/metrics")).text)
    assert metrics["tunnel_gateway_trust_anchors", frozenset()] == 1


async def test_a_tunnel_that_is_not_there(home: House, tmp_path: Path) -> None:
    answer = await asyncio.to_thread(Operator(tmp_path / "admin.sock").close, "0" * 8)
    assert (answer.status, answer.json) == (404, {"error": "no tunnel has this id now"})
