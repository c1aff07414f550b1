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
    with visit(browser, world.pages.origin("https")) as seen:
        seen.create_tunnel()
        seen.check_console()


def test_not_allowed(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("https"), permissions=None) as seen:
        dialog = seen.page.get_by_role("dialog")
        expect(dialog).to_contain_text("The browser will ask about apps on this device.")
        dialog.get_by_role("button", name="OK").click()
        refusal = seen.find("#step-agent .refusal")
        expect(refusal).to_contain_text("not_allowed")
        expect(refusal).to_contain_text("Allow apps on this device")
        seen.check_console(BLOCKED)


def test_plain_http(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http"), permissions=None) as seen:
        refusal = seen.find("#step-agent .refusal")
        expect(refusal).to_contain_text("https_required")
        seen.check_console(BLOCKED)
