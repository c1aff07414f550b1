"""Sign-in and a signed document on the demonstration's page, in a real Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.support.browser import PHONE, Visit, World, visit

REFUSED = "403"  # what Chromium itself writes about a refused sign-in
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
BUTTONS = {"uz": "Imzo qo‘shish", "ru": "Добавить подпись", "en": "Add a signature"}
WHY = {"uz": "hujjat imzolangan hujjat emas", "ru": "документ не тот", "en": "is not the signed"}


def sign_in(seen: Visit, key: int = 0) -> Locator:
    """Sign in with a key of the list; return the card of the user."""
    seen.step("agent", "done")
    seen.find("#keys label").nth(key).click()
    seen.find("#signin").click()
    seen.step("signin", "done")
    return seen.find("#session article")


def sign(seen: Visit, signers: int) -> Locator:
    """Sign with the proposed key; return the rows of the table, which must be so many."""
    seen.find("#sign").click()
    rows = seen.find("#signers tbody tr")
    expect(rows).to_have_count(signers)
    seen.step("document", "done")
    return rows


def test_sign_in_and_out(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("https")) as seen:
        expect(seen.find("#signin")).to_be_disabled()
        card = sign_in(seen)
        expect(card.locator("h3")).to_have_text("G‘ANIYEV O‘KTAM")
        expect(card).to_contain_text("••••••••••0001")
        for shown in ("serial number", "valid from", "valid to"):
            expect(card).to_contain_text(shown)
        (cookie,) = seen.page.context.cookies()
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")

        seen.page.reload()
        expect(card.locator("h3")).to_have_text("G‘ANIYEV O‘KTAM")
        seen.step("agent", "done")
        seen.find("#keys label").nth(1).click()
        seen.find("#signin").click()  # with another key, over the session
        expect(card).to_contain_text("300000001")
        seen.find("#signout").click()
        expect(seen.find("#step-signin .told")).to_have_text("You are signed out.")
        expect(card).to_have_count(0)
        expect(seen.find("#signout")).to_be_hidden()
        assert seen.page.context.cookies() == []
        seen.page.reload()
        seen.step("signin", "waiting")
        seen.check_console()


def test_a_challenge_that_is_used_up(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http"), locale="ru") as seen:
        ask = "fetch('/frontend/challenge').then(answer => answer.text())"
        first = {"body": seen.page.evaluate(ask), "content_type": "application/json"}
        seen.page.route("**/frontend/challenge", lambda route: route.fulfill(**first))
        sign_in(seen)
        seen.find("#signin").click()
        refusal = seen.find("#step-signin .refusal")
        expect(refusal).to_contain_text("-20 challenge_unknown")
        expect(refusal).to_contain_text("Challenge не найден")
        seen.step("signin", "refused")
        seen.check_console(REFUSED)


@pytest.mark.parametrize("language", ["uz", "ru", "en"])
def test_a_document_of_two_signers(language: str, browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http"), locale=language) as seen:
        seen.step("document", "active")
        rows = sign(seen, 1)
        expect(seen.find("#sign")).to_have_text(BUTTONS[language])
        rows = sign(seen, 2)
        table = seen.find("#signers")
        for name in ("G‘ANIYEV O‘KTAM", "TO‘LAGANOVA OYGUL", "Development Time Stamps"):
            expect(table).to_contain_text(name)
        assert "10000000000001" not in table.inner_text()
        expect(seen.find("#document-outcome .told")).to_contain_text("2.")
        expect(rows.nth(0)).to_have_attribute("data-good", "true")
        if language == "en":  # signed, stamped, and the status of the certificate
            assert len(re.findall(TIME, rows.nth(0).inner_text())) == 3

        seen.find("#change").click()
        seen.step("document", "refused")
        refusal = seen.find("#document-outcome .refusal")
        expect(refusal).to_contain_text("-10 document_changed")
        expect(refusal).to_contain_text(WHY[language])
        expect(rows.nth(1)).to_have_attribute("data-good", "false")
        other = "ru" if language == "uz" else "uz"
        seen.find(f"#languages input[value='{other}']").check()
        expect(refusal).to_contain_text(WHY[other])
        empty = seen.page.evaluate(
            "[...document.querySelectorAll('#step-document [data-text]')]"
            ".filter(n => !n.textContent && n.dataset.text).map(n => n.dataset.text)"
        )
        assert empty == []

        seen.find("#verify").click()
        seen.step("document", "done")
        expect(rows.nth(1)).to_have_attribute("data-good", "true")
        seen.find("#anew").click()
        seen.step("document", "active")
        expect(rows).to_have_count(0)
        expect(seen.find("#document")).to_be_editable()
        seen.check_console()


def test_a_file(browser: Browser, world: World, tmp_path: Path) -> None:
    files = {"empty": b"", "large": bytes(2**20 + 1), "right": bytes(range(256)) * 4096}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with visit(browser, world.pages.origin("http")) as seen:
        seen.step("document", "active")
        told = seen.find("#document-outcome .told")
        seen.find("#document-file").set_input_files(tmp_path / "empty")
        expect(told).to_have_text("The file is empty.")
        seen.find("#document-file").set_input_files(tmp_path / "large")
        expect(told).to_contain_text("1,024 KiB")
        seen.find("#document-file").set_input_files(tmp_path / "right")
        expect(seen.find("#document-name")).to_have_text("right, 1,024 KiB")
        sign(seen, 1)
        sign(seen, 2)
        seen.find("#change").click()
        expect(seen.find("#document-outcome .refusal")).to_contain_text("document_changed")
        seen.check_console()


def test_a_phone_and_the_keyboard(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http"), size=PHONE, has_touch=True) as seen:
        seen.step("document", "active")
        press = seen.page.keyboard.press
        seen.find("#document").focus()
        for _ in range(3):
            press("Tab")
        for signers in (1, 2):  # the button keeps the focus
            press("Enter")
            expect(seen.find("#signers tbody tr")).to_have_count(signers)
            seen.step("document", "done")
        sign_in(seen)
        press("Enter")
        expect(seen.find("#signin")).to_be_focused()
        wide = seen.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide == 0


def test_the_site_is_away(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http")) as seen:
        seen.step("document", "active")
        seen.page.route("**/frontend/**", lambda route: route.abort())
        seen.find("#sign").click()
        expect(seen.find("#document-outcome .refusal")).to_contain_text("site_away")
        seen.step("document", "refused")
        seen.page.unroute_all()
        sign(seen, 1)
        seen.check_console("net::ERR_FAILED")
