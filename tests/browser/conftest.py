"""Fixtures: a real Chromium, the page, an agent, a gateway and the demonstration's API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.page import CHROMIUM, STRANGER, AgentService, PageServer, chromium
from tests.support.processes import Gateway, Program

DST_ID = "0"


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright, for one module only: while it runs no other event loop can."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: no browser test is run")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as running:
        yield running


@pytest.fixture(scope="module")
def demo_api() -> Iterator[int]:
    """The port of the demonstration's API."""
    running = Program("the API", "demo/api.py", "--port", "0")
    yield int(running.next_output()["address"].rpartition(":")[2])
    running.stop()


@pytest.fixture(scope="module")
def page_gateway(
    credentials: Credentials, demo_api: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    running = Gateway(credentials, tmp_path_factory.mktemp("gateway"), {DST_ID: demo_api})
    yield running
    assert running.stop() == 0
    running.check_log()


@pytest.fixture(scope="module")
def agent(
    credentials: Credentials, page_gateway: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AgentService]:
    gateways = dict.fromkeys((FIRST_DOMAIN, STRANGER), page_gateway.port)
    running = AgentService(credentials, tmp_path_factory.mktemp("agent") / "agent", gateways)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in "\n".join(running.errors)


@pytest.fixture(scope="module")
def pages(credentials: Credentials, agent: AgentService) -> Iterator[PageServer]:
    running = PageServer(credentials, agent, DST_ID)
    yield running
    running.stop()
