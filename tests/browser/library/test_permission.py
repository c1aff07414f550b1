"""The browser's question before a page may reach the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Playwright, expect

from tests.support.browser import HOST, chromium
from tests.support.processes import LOOPBACK
from tests.support.signing_programs import signing_program
from tests.support.web_library import Lab, run

FIND = """return (await web.findAgent({ apiKey: "A1", ...given[0] })).address;"""
EXPLANATION = "The browser will ask about apps on this device. Allow them."


def says(state: str) -> str:
    """Return a script by which the browser says this of its permission; "" if it knows none."""
    return f"""navigator.permissions.query = async ({{ name }}) => {{
      if (name !== "loopback-network" || !"{state}") throw new TypeError(name);
      return {{ state: "{state}" }};
    }};"""


@pytest.fixture(scope="module")
def public(playwright: Playwright, lab: Lab) -> Iterator[Lab]:
    """Pages that the browser takes for pages of the internet."""
    ports = lab.site.ports.values()
    spaces = ",".join(f"{LOOPBACK}:{port}=public" for port in ports)
    with chromium(playwright, f"--ip-address-space-overrides={spaces}") as browser:
        yield replace(lab, browser=browser)


def test_denied_and_granted(public: Lab) -> None:
    origin = public.site.origin("https", HOST)
    with signing_program() as agent:
        address = f"ws://{LOOPBACK}:{agent.port}"
        given = {"addresses": [address], "explain": False}
        with public.page(origin, permissions=None) as seen:
            assert run(seen, "return web.permission();") == "prompt"
            # Without a window, the browser takes its question for ignored.
            assert run(seen, FIND, given)["code"] == "not_allowed"
            deny = {"permission": {"name": "loopback-network"}, "setting": "denied"}
            seen.page.context.new_cdp_session(seen.page).send("Browser.setPermission", deny)
            assert run(seen, "return web.permission();") == "denied"
            refusal = run(seen, FIND, given)
            assert refusal["code"] == "not_allowed"
            assert "Sayt sozlamalarida ruxsat bering" in refusal["uz"]
            assert agent.calls == []
        with public.page(origin) as seen:
            assert run(seen, FIND, given) == address
            assert run(seen, "return web.permission();") == "granted"


def test_a_page_by_plain_http(public: Lab) -> None:
    with (
        signing_program() as agent,
        public.page(public.site.origin("http", HOST), permissions=None) as seen,
    ):
        refusal = run(seen, FIND, {"addresses": [f"ws://{LOOPBACK}:{agent.port}"]})
        assert refusal["code"] == "https_required"
        assert agent.calls == []


def test_the_question_is_explained_first(lab: Lab) -> None:
    origin = lab.site.origin("https", HOST)
    with signing_program() as agent, lab.page(origin, before=says("prompt")) as seen:
        given = {"addresses": [f"ws://{LOOPBACK}:{agent.port}"], "lang": "en"}
        lines = (
            FIND.replace("return", "globalThis.found =")
            .replace("(await ", "(")
            .replace(").address", ").then(({ address }) => address, ({ code }) => code)")
        )
        run(seen, lines, given)
        dialog = seen.page.get_by_role("dialog", name=EXPLANATION)
        expect(dialog).to_contain_text(EXPLANATION)
        assert agent.calls == []
        dialog.get_by_role("button", name="OK").click()
        assert seen.page.evaluate("found") == given["addresses"][0]
        run(seen, lines, given)
        dialog.get_by_role("button", name="Cancel").click()
        assert seen.page.evaluate("found") == "cancelled"


def test_a_page_explains_by_itself(lab: Lab) -> None:
    origin = lab.site.origin("https", HOST)
    prompt = says("prompt")
    with signing_program() as agent, lab.page(origin, before=prompt) as seen:
        given = {"addresses": [f"ws://{LOOPBACK}:{agent.port}"], "lang": "ru"}
        lines = """const told = [];
          const explain = async ({ lang, signal }) => { told.push(lang, signal.aborted); };
          await web.findAgent({ apiKey: "A1", explain, ...given[0] });
          await web.findAgent({ apiKey: "A1", explain: false, ...given[0] });
          return told;"""
        assert run(seen, lines, given) == ["ru", False]


def test_a_browser_that_does_not_tell(lab: Lab) -> None:
    with (
        signing_program() as agent,
        lab.page(lab.site.origin("https", HOST), before=says("")) as seen,
    ):
        assert run(seen, "return web.permission();") == "unknown"
        address = f"ws://{LOOPBACK}:{agent.port}"
        assert run(seen, FIND, {"addresses": [address]}) == address


def test_pages_of_the_machine_are_not_asked(lab: Lab) -> None:
    prompt = says("prompt")
    with signing_program() as agent, lab.page(before=prompt) as seen:
        assert run(seen, "return web.permission();") == "granted"
        address = f"ws://{LOOPBACK}:{agent.port}"
        assert run(seen, FIND, {"addresses": [address]}) == address
