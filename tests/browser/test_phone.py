"""Signatures by phone on the page: the QR that a camera reads, and the whole way."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from tests.support.browser import LAPTOP, PHONE, Visit, World, visit
from tests.support.zbar import read_qr
from tunnel_gateway.phone.code import make_code

STATUS = "**/frontend/mobile/status"
REFUSED = "403"  # what Chromium itself writes about a refused sign-in
WAITING = {
    "uz": "Sahifa imzoni kutmoqda.",
    "ru": "Страница ждёт подписи.",
    "en": "The page waits for the signature.",
}
NOT_BEGUN = {
    "uz": "Bu brauzer imzolashni boshlamagan",
    "ru": "Этот браузер не начинал",
    "en": "This browser did not begin",
}


def begin(seen: Visit, step: str = "signin") -> dict[str, Any]:
    """Begin a signature by phone; return the site's answer once the picture is there."""
    path = {"signin": "/mobile/auth", "document": "/mobile/sign"}[step]
    with seen.page.expect_response(f"**{path}") as answered:
        seen.find(f"#{step}-by-phone").click()
    panel(seen, step).locator(".qr").wait_for()
    begun: dict[str, Any] = answered.value.json()
    return begun


def panel(seen: Visit, step: str = "signin") -> Locator:
    return seen.find(f"#{step}-phone .phone")


def sign(seen: Visit, step: str = "signin") -> None:
    """Let the development phone sign what is shown."""
    panel(seen, step).locator(".development button").click()


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_camera_reads_the_code(
    scheme: Any, size: tuple[int, int], browser: Browser, world: World, tmp_path: Path
) -> None:
    with visit(browser, world.pages.origin("http"), size=size, color_scheme=scheme) as seen:
        begun = begin(seen)
        code = make_code(begun["siteId"], begun["documentId"], begun["challange"].encode())
        panel(seen).scroll_into_view_if_needed()
        seen.page.evaluate("document.querySelector('.qr').scrollIntoView({ block: 'center' })")
        expect(panel(seen).locator(".qr")).to_have_js_property("complete", value=True)
        seen.page.screenshot(path=tmp_path / "page.png", animations="disabled")
        assert read_qr(tmp_path / "page.png") == code.text
        link = panel(seen).locator("a")
        expect(link).to_have_attribute("href", code.deeplink)
        expect(panel(seen).locator("code")).to_contain_text(code.text)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert seen.page.evaluate(wide) == 0


@pytest.mark.parametrize("language", ["uz", "ru", "en"])
def test_sign_in(language: str, browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("https"), locale=language) as seen:
        begin(seen)
        expect(panel(seen)).to_be_focused()
        expect(seen.find("#step-signin [role=status] .told")).to_have_text(WAITING[language])
        expect(panel(seen).get_by_role("timer")).to_contain_text(re.compile(r"[45]:\d\d"))
        other = "ru" if language == "uz" else "uz"
        seen.find(f"#languages input[value='{other}']").check()
        expect(seen.find("#step-signin .told")).to_have_text(WAITING[other])
        nameless = "[...document.querySelectorAll('.phone, .phone *')].filter((node) =>"
        for condition in (
            "'text' in node.dataset && !node.textContent",
            "node.tagName === 'IMG' && !node.alt",
            "'label' in node.dataset && node.tagName !== 'IMG' && !node.ariaLabel",
        ):
            assert seen.page.evaluate(f"{nameless} {condition}).length") == 0
        sign(seen)
        seen.step("signin", "done")
        expect(seen.find("#session article h3")).to_have_text("G‘ANIYEV O‘KTAM")
        expect(panel(seen)).to_have_count(0)
        expect(seen.find("#signin-by-phone")).to_be_focused()
        (cookie,) = seen.page.context.cookies()
        assert cookie["name"] == "session"
        seen.check_console()


def test_a_document(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http")) as seen:
        seen.step("document", "active")
        seen.find("#signer").select_option("1")
        seen.find("#sign").click()
        rows = seen.find("#signers tbody tr")
        expect(rows).to_have_count(1)
        begin(seen, "document")
        sign(seen, "document")
        expect(rows).to_have_count(2)
        seen.step("document", "done")
        table = seen.find("#signers")
        for name in ("G‘ANIYEV O‘KTAM", "TO‘LAGANOVA OYGUL", "Development Time Stamps"):
            expect(table).to_contain_text(name)
        seen.find("#change").click()
        expect(seen.find("#document-outcome .refusal")).to_contain_text("document_changed")
        seen.check_console()


def test_a_file_of_bytes(browser: Browser, world: World, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    (tmp_path / "file").write_bytes(content)
    with visit(browser, world.pages.origin("http")) as seen:
        seen.find("#document-file").set_input_files(tmp_path / "file")
        begun = begin(seen, "document")
        code = make_code(begun["siteId"], begun["documentId"], content)
        expect(panel(seen, "document").locator("code")).to_contain_text(code.text)
        sign(seen, "document")
        expect(seen.find("#signers tbody tr")).to_have_count(1)
        seen.step("document", "done")
        seen.check_console()


def test_another_document_than_the_signed_one(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http"), locale="ru") as seen:
        other = {"post_data": "c2Fsb20="}
        seen.page.route("**/mobile/document", lambda route: route.continue_(**other))
        begin(seen, "document")
        sign(seen, "document")
        refusal = seen.find("#document-outcome .refusal")
        expect(refusal).to_contain_text("-5 document_changed")
        expect(refusal).to_contain_text("документ не тот")
        seen.step("document", "refused")
        seen.check_console()


@pytest.mark.parametrize("is_told", [False, True], ids=["by the clock", "by the server"])
def test_an_expired_code(is_told: bool, browser: Browser, world: World) -> None:
    def unknown(route: Route) -> None:
        route.continue_(post_data="documentId=00000000")

    with visit(browser, world.pages.origin("http")) as seen:
        if not is_told:
            seen.page.clock.install()
        first = begin(seen)
        if is_told:
            seen.page.route(STATUS, unknown)
        else:
            seen.page.clock.fast_forward("05:01")
        expect(seen.find("#step-signin .told")).to_contain_text("time of the code is over")
        expect(panel(seen).locator(".qr")).to_have_count(0)
        seen.page.unroute_all()
        with seen.page.expect_response("**/mobile/auth") as answered:
            panel(seen).get_by_role("button", name="New code").click()
        assert answered.value.json()["documentId"] != first["documentId"]
        expect(panel(seen).locator(".qr")).to_be_visible()
        sign(seen)
        if not is_told:
            seen.page.clock.run_for(5000)
        seen.step("signin", "done")
        seen.check_console()


def test_another_browser_cannot_finish(browser: Browser, world: World) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with visit(browser, world.pages.origin("http")) as seen:
        begin(seen)
        seen.page.context.clear_cookies()
        seen.page.route("**/mobile/session", hold)
        sign(seen)
        expect(seen.find("#step-signin .told")).to_contain_text("The phone has signed.")
        held.pop().continue_()
        seen.step("signin", "refused")
        refusal = seen.find("#step-signin .refusal")
        expect(refusal).to_contain_text("not_begun")
        for language, text in NOT_BEGUN.items():
            seen.find(f"#languages input[value='{language}']").check()
            expect(refusal).to_contain_text(text)
        expect(seen.find("#session article")).to_have_count(0)
        seen.check_console(REFUSED)


def test_the_network_goes_and_a_second_upload(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http")) as seen:
        seen.page.clock.install()
        begin(seen)
        seen.page.route(STATUS, lambda route: route.abort())
        for _ in range(2):
            with seen.page.expect_response("**/mobile/phone"):
                sign(seen)
        expect(panel(seen).locator(".bad")).to_contain_text("upload_refused")
        for _ in range(5):
            with seen.page.expect_event("requestfailed"):
                seen.page.clock.run_for(1000)
        seen.page.unroute_all()
        seen.page.clock.run_for(5000)
        seen.step("signin", "done")
        seen.check_console("net::ERR_FAILED", "502")


def test_polls_that_are_too_many_now_and_then(browser: Browser, world: World) -> None:
    """Users behind one address share a rate: most polls may be refused, as long as some are not."""
    asked = 0

    def refuse_most(route: Route) -> None:
        nonlocal asked
        asked += 1
        if asked % 5:
            route.fulfill(status=429, json={"status": -429, "message": "later"})
        else:
            route.continue_()

    with visit(browser, world.pages.origin("http")) as seen:
        seen.page.clock.install()
        seen.page.route(STATUS, refuse_most)
        begin(seen)
        while asked < 20:
            with seen.page.expect_response(STATUS):
                seen.page.clock.run_for(1000)
        expect(panel(seen).locator(".qr")).to_be_visible()
        seen.page.unroute_all()
        sign(seen)
        seen.page.clock.run_for(5000)
        seen.step("signin", "done")
        seen.check_console("429")


def test_the_user_stops(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http")) as seen:
        begin(seen, "document")
        expect(seen.find("#document")).not_to_be_editable()
        panel(seen, "document").get_by_role("button", name="Stop").press("Enter")
        expect(panel(seen, "document")).to_have_count(0)
        expect(seen.find("#document-by-phone")).to_be_focused()
        expect(seen.find("#document")).to_be_editable()
        expect(seen.find("#document-outcome")).to_be_empty()
        seen.check_console()


def test_a_hidden_page_does_not_ask(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("http")) as seen:
        asked: list[str] = []
        seen.page.on("request", lambda one: asked.append(one.url))
        begin(seen)
        hide = """(hidden) => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
        seen.page.evaluate(hide, True)
        seen.page.wait_for_timeout(300)  # an answer may be on its way
        before = len(asked)
        sign(seen)
        seen.page.wait_for_timeout(2500)
        assert [url.rpartition("/")[2] for url in asked[before:]] == ["phone"]
        seen.page.evaluate(hide, False)
        seen.step("signin", "done")
        seen.check_console()
