"""Pictures of the page for the README: ``make screenshots`` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import LAPTOP, PHONE, Visit, World, visit
from tests.support.processes import PROJECT

FOLDER = PROJECT / "docs" / "screenshots"
MAX_SIZE = 200 * 1024
WANTED = "SCREENSHOTS"  # the variable of the environment that asks for new ones

PICTURES = {
    "laptop": {"size": LAPTOP, "locale": "en-US", "color_scheme": "light"},
    "laptop-uz-dark": {"size": LAPTOP, "locale": "uz-UZ", "color_scheme": "dark"},
    "phone-ru": {"size": PHONE, "locale": "ru-RU", "color_scheme": "light"},
    "signing": {"size": LAPTOP, "locale": "en-US", "color_scheme": "light"},
    "signing-uz": {"size": LAPTOP, "locale": "uz-UZ", "color_scheme": "light"},
    "by-phone": {"size": LAPTOP, "locale": "en-US", "color_scheme": "light"},
    "by-phone-uz": {"size": LAPTOP, "locale": "uz-UZ", "color_scheme": "dark"},
}


@pytest.mark.parametrize("name", PICTURES if os.environ.get(WANTED) else ["laptop"])
def test_a_picture(name: str, browser: Browser, world: World, tmp_path: Path) -> None:
    folder = FOLDER if os.environ.get(WANTED) else tmp_path
    folder.mkdir(exist_ok=True)
    with visit(browser, world.pages.origin("https"), **PICTURES[name]) as seen:  # type: ignore[arg-type]
        step = SHOWING.get(name.removesuffix("-uz"), show_tunnel)(seen)
        seen.page.evaluate(f"document.querySelector('#step-{step}').scrollIntoView()")
        seen.page.evaluate("document.activeElement.blur()")
        picture = folder / f"{name}.png"
        seen.page.screenshot(path=picture, animations="disabled")
        assert 10 * 1024 < picture.stat().st_size < MAX_SIZE


def show_tunnel(seen: Visit) -> str:
    """Use a tunnel; return the step that the picture begins with."""
    seen.create_tunnel()
    seen.step("parties", "done")
    seen.find("#whoami").click()
    expect(seen.find(".identity")).to_be_visible()
    seen.find("#random").click()
    expect(seen.find("#step-file .told")).to_be_visible()
    seen.find("#again").click()
    expect(seen.find("#again-outcome p")).to_be_visible()
    return "tunnel"


def show_signing(seen: Visit) -> str:
    """Sign in, and let two users sign a document; return the step that the picture begins with."""
    seen.step("agent", "done")
    seen.find("#keys label").first.click()
    seen.find("#signin").click()
    seen.step("signin", "done")
    for number in (1, 2):
        seen.find("#sign").click()
        expect(seen.find("#signers tbody tr")).to_have_count(number)
    return "document"


def show_phone(seen: Visit) -> str:
    """Begin a sign-in by phone; return the step that the picture begins with."""
    seen.step("agent", "done")
    seen.find("#signin-by-phone").click()
    expect(seen.find(".qr")).to_have_js_property("complete", value=True)
    seen.find(".development").evaluate("node => node.remove()")  # it names files of the tests
    return "signin"


SHOWING = {"signing": show_signing, "by-phone": show_phone}


@pytest.mark.parametrize("name", PICTURES)
def test_the_documents_show_it(name: str) -> None:
    readme = (PROJECT / "README.md").read_text("utf-8")
    uzbek = (PROJECT / "README.uz.md").read_text("utf-8")
    assert f"docs/screenshots/{name}.png" in readme + uzbek
    assert (FOLDER / f"{name}.png").stat().st_size < MAX_SIZE
