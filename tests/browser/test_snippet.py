"""The lines of JavaScript in docs/for-page-developers.md, as they stand there."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser

from tests.support.browser import HOST, World, visit
from tests.support.processes import PROJECT

DOCUMENT = PROJECT / "docs" / "for-page-developers.md"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_lines_make_a_tunnel(scheme: str, browser: Browser, world: World) -> None:
    found = re.search(r"^```js\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    lines = found[1]
    ports = world.agent.ports
    for port, free in (("64646", ports["ws_port"]), ("64443", ports["wss_port"])):
        assert lines.count(port) == 1
        lines = lines.replace(port, str(free))
    with visit(browser, world.pages.origin(scheme) + "/settings.json") as seen:
        keys = seen.page.evaluate("fetch('/settings.json').then(r => r.json())")["apiKeys"]
        answer = seen.page.evaluate(
            f"""async (API_KEY) => {{
              {lines}
              return new Promise((resolve, reject) => {{
                tunnel.onopen = () => tunnel.send("whoami");
                tunnel.onmessage = ({{ data }}) => resolve(data);
                tunnel.onclose = () => reject(new Error("closed"));
              }});
            }}""",
            keys[keys.index(HOST) + 1],
        )
        assert json.loads(answer)["X-EIMZO-CN"] == "G‘ANIYEV O‘KTAM"
        seen.check_console()
