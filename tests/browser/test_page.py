"""The demonstration's page in a real Chromium, from its first load to the refused second use."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import HOST, PHONE, World, visit

FILE_SIZE = 50 * 1024 * 1024
REFUSED = "net::ERR_CONNECTION_REFUSED"  # what Chromium itself writes about the second use


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_from_the_first_load_to_the_refused_second_use(
    scheme: str, browser: Browser, world: World, tmp_path: Path
) -> None:
    world.gateway.forget()
    with visit(browser, world.pages.origin(scheme)) as seen:
        address = seen.create_tunnel()
        assert re.fullmatch(r"127\.0\.0\.1:\d+", address)
        seen.step("parties", "done")
        expect(seen.find("[data-role='domain'] h3")).to_have_text(HOST)
        expect(seen.find("[data-role='user'] h3")).to_have_text("G‘ANIYEV O‘KTAM")

        seen.find("#message").fill("Assalomu alaykum, O‘zbekiston!")
        seen.find("#message").press("Enter")
        expect(seen.find("#talk .theirs").first).to_contain_text("Assalomu alaykum, O‘zbekiston!")
        seen.find("#whoami").click()
        expect(seen.find(".identity")).to_contain_text("G‘ANIYEV O‘KTAM")
        assert "10000000000001" not in seen.find("body").inner_text()

        content = os.urandom(1024 * 1024) * (FILE_SIZE // 2**20)
        file = tmp_path / "fifty megabytes"
        file.write_bytes(content)
        seen.find("#file").set_input_files(file)
        outcome = seen.find("#step-file .outcome")
        expect(outcome).to_contain_text(hashlib.sha256(content).hexdigest())
        expect(outcome).to_contain_text("arrived")
        expect(seen.find("#bar")).to_have_js_property("value", 1)
        assert seen.find("#chart .up").get_attribute("d")

        seen.find("#again").click()
        expect(seen.find("#again-outcome")).to_contain_text(f"{address} refused")
        seen.find("#message").fill("still here")
        seen.find("#message").press("Enter")
        expect(seen.find("#talk .theirs").last).to_contain_text("still here")

        seen.find("#close").click()
        seen.step("end", "done")
        expect(seen.find("#close-outcome")).to_contain_text("1000")
        seen.check_console(REFUSED)
    line = world.gateway.logged("tunnel_closed")
    assert line["reason"] == "completed"
    assert line["bytes_up"] > FILE_SIZE


def test_a_destination_that_is_not_there(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http")) as seen:
        seen.step("agent", "done")
        seen.find("#keys label").first.click()
        seen.find("#dst").fill("nowhere")
        seen.find("#create").click()
        seen.step("tunnel", "refused")
        refusal = seen.find("#step-tunnel .refusal")
        expect(refusal).to_contain_text("unknown_destination")
        expect(refusal).to_contain_text("no destination has this dst_id")
        seen.find("#dst").fill("0")
        seen.create_tunnel()
        expect(refusal).to_have_count(0)
        seen.check_console()


@pytest.mark.parametrize(
    ("language", "why"),
    [
        ("uz", "Shlyuzda bunday manzil identifikatori"),
        ("ru", "У шлюза нет такого"),
        ("en", "has no"),
    ],
)
def test_a_refusal_in_every_language(
    language: str, why: str, browser: Browser, world: World
) -> None:
    with visit(browser, world.pages.origin("http"), locale=language) as seen:
        seen.step("agent", "done")
        seen.find("#keys label").first.click()
        seen.find("#dst").fill("nowhere")
        seen.find("#create").click()
        refusal = seen.find("#step-tunnel .refusal")
        expect(refusal).to_contain_text(why)
        expect(refusal.locator("[lang=en]")).to_contain_text("no destination has this dst_id")
        other = "ru" if language == "uz" else "uz"
        seen.find(f"#languages input[value='{other}']").check()
        expect(refusal).not_to_contain_text(why)


def test_languages(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http"), locale="de-DE") as seen:
        expect(seen.find("html")).to_have_attribute("lang", "uz")
        expect(seen.find("#heading-key")).to_have_text("Kalitni tanlang")
        seen.find("#languages input[value='ru']").check()
        expect(seen.find("#heading-key")).to_have_text("Выберите ключ")
        expect(seen.find(".key-card .until").first).to_contain_text("осталось дней")
        seen.page.reload()
        expect(seen.find("#heading-key")).to_have_text("Выберите ключ")
        for language in ("uz", "ru", "en"):
            seen.find(f"#languages input[value='{language}']").check()
            empty = seen.page.evaluate(
                "[...document.querySelectorAll('[data-text]')].filter(n => !n.textContent).length"
            )
            assert empty == 0
        seen.check_console()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_sideways(scheme: str, browser: Browser, world: World) -> None:
    options = {"size": PHONE, "color_scheme": scheme, "has_touch": True}
    with visit(browser, world.pages.origin("http"), **options) as seen:  # type: ignore[arg-type]
        for language in ("uz", "ru", "en"):
            seen.find(f"#languages input[value='{language}']").check()
            assert _too_wide(seen.page) == 0
        seen.create_tunnel()
        # By the keyboard: on so small a screen the page may still move under a click.
        seen.find("#whoami").press("Enter")
        expect(seen.find(".identity")).to_be_visible()
        seen.step("parties", "done")
        assert _too_wide(seen.page) == 0
        cut = "one => one.scrollHeight > one.clientHeight || one.scrollWidth > one.clientWidth"
        assert not seen.page.eval_on_selector("#talk", cut)
        assert not seen.page.evaluate(
            f"[...document.querySelectorAll('.languages span')].some({cut})"
        )


def test_the_keyboard_is_enough(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http")) as seen:
        seen.step("agent", "done")
        expect(seen.find("#keys label").first).to_be_visible()
        press = seen.page.keyboard.press
        for _ in range(20):
            press("Tab")
            if seen.page.evaluate("document.activeElement.name === 'key'"):
                break
        press("Space")
        expect(seen.find("#create")).to_be_enabled()
        for _ in range(20):
            press("Tab")
            if seen.page.evaluate("document.activeElement.id === 'create'"):
                break
        press("Enter")
        seen.step("tunnel", "done")
        seen.check_console()


def _too_wide(page: Page) -> int:
    width: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width
