"""axe finds no fault of accessibility in the demonstration's page, in any language or colours."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import LAPTOP, PHONE, World, visit

LOOKS = {
    "laptop": {"size": LAPTOP, "locale": "uz", "color_scheme": "light"},
    "dark": {"size": LAPTOP, "locale": "ru", "color_scheme": "dark"},
    "phone": {"size": PHONE, "locale": "en", "color_scheme": "light"},
    "dark phone": {"size": PHONE, "locale": "uz", "color_scheme": "dark"},
}


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_no_fault(look: str, axe: Path, browser: Browser, world: World) -> None:
    script = axe.read_text("utf-8")
    with visit(browser, world.pages.origin("https"), **LOOKS[look]) as seen:  # type: ignore[arg-type]
        seen.create_tunnel()
        seen.step("parties", "done")
        seen.find("#whoami").click()
        expect(seen.find(".identity")).to_be_visible()
        seen.find("#signin").click()
        seen.step("signin", "done")
        seen.find("#sign").click()
        seen.step("document", "done")
        seen.find("#signin-by-phone").click()
        expect(seen.find("#step-signin img").first).to_be_visible()
        seen.page.evaluate(script)  # the page's own policy allows no other scripts
        found = seen.page.evaluate("axe.run()")
        seen.find("#close").click()
        seen.step("end", "done")
        faults = [
            (one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]
        ]
        assert faults == []
        assert len(found["passes"]) > 20
