"""Pictures of the page for the README: ``make screenshots`` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import LAPTOP, PHONE, World, visit
from tests.support.processes import PROJECT

FOLDER = PROJECT / "docs" / "screenshots"
MAX_SIZE = 200 * 1024
WANTED = "SCREENSHOTS"  # the variable of the environment that asks for new ones

PICTURES = {
    "laptop": {"size": LAPTOP, "locale": "en-US", "color_scheme": "light"},
    "laptop-uz-dark": {"size": LAPTOP, "locale": "uz-UZ", "color_scheme": "dark"},
    "phone-ru": {"size": PHONE, "locale": "ru-RU", "color_scheme": "light"},
}


@pytest.mark.parametrize("name", PICTURES if os.environ.get(WANTED) else ["laptop"])
def test_a_picture(name: str, browser: Browser, world: World, tmp_path: Path) -> None:
    folder = FOLDER if os.environ.get(WANTED) else tmp_path
    folder.mkdir(exist_ok=True)
    with visit(browser, world.pages.origin("https"), **PICTURES[name]) as seen:  # type: ignore[arg-type]
        seen.create_tunnel()
        seen.step("parties", "done")
        seen.find("#whoami").click()
        expect(seen.find(".identity")).to_be_visible()
        seen.find("#random").click()
        expect(seen.find("#step-file .told")).to_be_visible()
        seen.find("#again").click()
        expect(seen.find("#again-outcome p")).to_be_visible()
        if name.startswith("phone"):
            seen.find("#step-tunnel").scroll_into_view_if_needed()
            seen.page.evaluate("document.querySelector('#step-tunnel').scrollIntoView()")
        else:
            seen.page.evaluate("scrollTo(0, 0)")
        seen.page.evaluate("document.activeElement.blur()")
        picture = folder / f"{name}.png"
        seen.page.screenshot(path=picture, animations="disabled")
        assert 10 * 1024 < picture.stat().st_size < MAX_SIZE


@pytest.mark.parametrize("name", PICTURES)
def test_the_documents_show_it(name: str) -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    uzbek = (PROJECT / "README.uz.md").read_text("utf-8")
    assert f"docs/screenshots/{name}.png" in readme + uzbek
    assert (FOLDER / f"{name}.png").stat().st_size < MAX_SIZE
