"""A page learns why its tunnel ended."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import World, make_world, visit
from tests.support.credentials import Credentials


@pytest.fixture
def world(credentials: Credentials, tmp_path: Path) -> Iterator[World]:
    """Programs that the test may end."""
    with make_world(credentials, tmp_path) as made:
        yield made


def test_the_gateway_stops_in_the_middle_of_a_file(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http")) as seen:
        seen.create_tunnel()
        world.api.signal(signal.SIGSTOP)  # so that the file cannot come to its end
        seen.find("#random").click()
        expect(seen.find("#progress")).to_be_visible()
        world.gateway.signal(signal.SIGTERM)
        outcome = seen.find("#close-outcome")
        expect(outcome).to_contain_text(re.compile("1001.*shutting_down"))
        world.api.signal(signal.SIGCONT)
        seen.step("end", "refused")
        expect(seen.find("#create")).to_be_enabled()
        seen.find("#create").click()
        expect(seen.find("#step-tunnel .refusal")).to_contain_text("gateway_unreachable")
        seen.check_console()


def test_the_application_dies(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http")) as seen:
        seen.create_tunnel()
        seen.find("#whoami").click()
        expect(seen.find(".identity")).to_be_visible()
        world.api.signal(signal.SIGKILL)
        expect(seen.find("#close-outcome")).to_contain_text(re.compile("1011.*destination"))
        seen.check_console()


def test_the_agent_stops(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("https")) as seen:
        seen.create_tunnel()
        assert world.agent.stop() == 0
        expect(seen.find("#close-outcome")).to_contain_text("1001")
        seen.page.reload()
        expect(seen.find("#step-agent .refusal")).to_contain_text("no_agent")
        expect(seen.find("#agent-retry")).to_be_visible()
        # While the agent stops, it answers 503 to a page that tries again at once.
        seen.check_console("net::ERR_CONNECTION_REFUSED", "Unexpected response code: 503")
