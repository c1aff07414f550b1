"""The lines of JavaScript in docs/for-page-developers.md, as they stand there."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import HOST, Visit, World, visit
from tests.support.processes import PROJECT

DOCUMENT = PROJECT / "docs" / "for-page-developers.md"


def lines_of(heading: str, number: int = 0) -> str:
    """Return the JavaScript below a heading, the first or a later piece."""
    section = DOCUMENT.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    pieces: list[str] = re.findall(r"^```js\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return pieces[number]


def run(seen: Visit, world: World, lines: str) -> Any:
    """Run the lines that load a key and make a tunnel, then ``lines``, which return something."""
    first = lines_of("A tunnel in a few lines")
    ports = world.agent.ports
    for port, free in (("64646", ports["ws_port"]), ("64443", ports["wss_port"])):
        assert first.count(port) == 1
        first = first.replace(port, str(free))
    keys = seen.page.evaluate("fetch('/settings.json').then(r => r.json())")["apiKeys"]
    whole = f"async (API_KEY) => {{ {first} {lines} }}"
    return seen.page.evaluate(whole, keys[keys.index(HOST) + 1])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_lines_make_a_tunnel(scheme: str, browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin(scheme) + "/settings.json") as seen:
        answer = run(
            seen,
            world,
            """return new Promise((resolve, reject) => {
              tunnel.onopen = () => tunnel.send("whoami");
              tunnel.onmessage = ({ data }) => resolve(data);
              tunnel.onclose = () => reject(new Error("closed"));
            });""",
        )
        assert json.loads(answer)["X-EIMZO-CN"] == "G‘ANIYEV O‘KTAM"
        seen.check_console()


def test_the_lines_sign_in(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("https") + "/settings.json") as seen:
        lines = lines_of("Sign-in in a few lines")
        answer = run(seen, world, f"{lines} tunnel.close(); return answer.json();")
        assert answer["user"]["name"] == "G‘ANIYEV O‘KTAM"
        seen.check_console("WebSocket is closed before")


# The development phone signs the code as soon as the lines show it.
PHONE = """
const picture = {};
const link = { set href(link) { post("/mobile/phone", link.slice(-84)); } };
"""


def run_by_phone(seen: Visit, number: int, more: str, result: str) -> Any:
    """Run a piece of the lines after the first piece, and return ``result``."""
    heading = "Signatures by phone in a few lines"
    static = 'import { codeOf, deeplinkOf } from "./mobile.js";'
    first = lines_of(heading)
    assert static in first
    first = first.replace(static, 'const { codeOf, deeplinkOf } = await import("/mobile.js");')
    lines = f"{PHONE} {first} {more} {lines_of(heading, number)} return {result};"
    return seen.page.evaluate(f"async () => {{ {lines} }}")


def test_the_lines_sign_in_by_phone(browser: Browser, world: World) -> None:
    with visit(browser, world.pages.origin("https") + "/settings.json") as seen:
        assert run_by_phone(seen, 1, "", "user.name") == "G‘ANIYEV O‘KTAM"
        seen.check_console()


def test_the_lines_sign_a_document_by_phone(browser: Browser, world: World) -> None:
    more = """const file = new Blob(["Shartnoma"]);
    const { toBase64 } = await import("/bytes.js");"""
    with visit(browser, world.pages.origin("https") + "/settings.json") as seen:
        assert b"Shartnoma" in b64decode(run_by_phone(seen, 2, more, "pkcs7Attached"))
        seen.check_console()
