"""The lines of JavaScript in docs/for-page-developers.md, as they stand there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import HOST, Visit, World, visit
from tests.support.processes import PROJECT

DOCUMENT = PROJECT / "docs" / "for-page-developers.md"


def lines_of(heading: str) -> str:
    """Return the JavaScript below a heading."""
    section = DOCUMENT.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.search(r"^```js\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


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
