"""What a daemon answers its operators, by a service of the test; gateways are in scenarios."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.admin import Answer, Operator
from tests.support.second_service import Second
from tunnel_gateway.config.admin import AdminAddress
from tunnel_gateway.daemon.admin.console import admin_server
from tunnel_gateway.daemon.admin.health import Health
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.resident_memory import MemoryWatch
from tunnel_gateway.daemon.service import Shared
from tunnel_gateway.daemon.stopping import Stopping
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.observability.metrics import Metrics


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    shared = Shared(Audit(), Metrics(), Workers(), MemoryWatch(0), Stopping())
    service = Second(shared, 7)
    address = AdminAddress(path=tmp_path / "admin.sock")
    health = Health(shared, [service])
    admin = admin_server((address,), shared, health, service.limits, [service])
    await admin.start()
    yield Operator(tmp_path / "admin.sock")
    await admin.close()


async def ask(operator: Operator, path: str) -> Answer:
    return await asyncio.to_thread(operator.ask, path)


async def test_the_state_for_people_and_for_programs(operator: Operator) -> None:
    for path in ("/", "/status"):
        page = await ask(operator, path)
        assert "<p>second 7</p>" in page.text
        assert "second.limit" in page.text
        assert page.headers["Content-Type"].startswith("text/html")
    style = await ask(operator, "/status.css")
    assert style.headers["Content-Type"].startswith("text/css")
    answer = await ask(operator, "/status.json")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json["second"] == {"number": 7}


async def test_the_answers_of_a_service(operator: Operator) -> None:
    assert (await ask(operator, "/number")).text == "7"
    assert (await ask(operator, "/healthz")).text == "ok\n"
