"""What Chromium asks its user before a page from elsewhere may reach the agent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.support.browser import World, chromium, visit

BLOCKED = "net::ERR_BLOCKED_BY_LOCAL_NETWORK_ACCESS_CHECKS"


@pytest.fixture(scope="module")
def browser(playwright: Playwright, world: World) -> Iterator[Browser]:
    """A browser to which the page's server is not of this machine, but of the internet."""
    addresses = (world.pages.origin(one).rpartition(":")[2] for one in ("http", "https"))
    public = ",".join(f"127.0.0.1:{port}=public" for port in addresses)
    with chromium(playwright, f"--ip-address-space-overrides={public}") as running:
        yield running


def test_allowed(browser: Browser, world: World) -> None:
    origin = world.pages.origin("https")
    with visit(browser, origin, permissions=["local-network-access"]) as seen:
        seen.create_tunnel()
        seen.check_console()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_not_allowed(scheme: str, browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin(scheme)) as seen:
        refusal = seen.find("#step-agent .refusal")
        expect(refusal).to_contain_text("agent_unreachable")
        expect(refusal).to_contain_text("allow it")
        seen.check_console(BLOCKED)
