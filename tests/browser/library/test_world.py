"""The library between real programs: agent, gateway and REST service, beside E-IMZO 6.

The browser leads the first pair of ports to a stand-in for E-IMZO, and the second pair to the
agent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.support.browser import HOST, Visit, World, chromium, visit
from tests.support.https import tls_contexts
from tests.support.processes import LOOPBACK, PROJECT
from tests.support.signing_programs import eimzo
from tunnel_gateway.agent.api.ports import PAIRS

DOCUMENT = PROJECT / "docs" / "for-page-developers.md"


@pytest.fixture(scope="module")
def beside(
    playwright: Playwright, world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    server, _ = tls_contexts(tmp_path_factory.mktemp("certificates"))
    agent = world.agent.ports
    with eimzo() as plain, eimzo(tls=server) as secure:
        ports = {
            PAIRS[0].ws: plain.port,
            PAIRS[0].wss: secure.port,
            PAIRS[1].ws: agent["ws_port"],
            PAIRS[1].wss: agent["wss_port"],
        }
        rules = [f"MAP {LOOPBACK}:{known} {LOOPBACK}:{port}" for known, port in ports.items()]
        rules.append(f"MAP {HOST} {LOOPBACK}")
        with chromium(playwright, f"--host-resolver-rules={', '.join(rules)}") as running:
            yield running


def choose(seen: Visit, name: str) -> None:
    """Choose a key in the library's dialog."""
    dialog = seen.page.get_by_role("dialog", name="Choose a key")
    dialog.get_by_role("radio", name=name).check()
    dialog.get_by_role("button", name="OK").click()
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_lines_of_the_document(scheme: str, beside: Browser, world: World) -> None:
    section = DOCUMENT.read_text("utf-8").split("\n## The library\n")[1].split("\n## ")[0]
    found = re.search(r"^```js\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found is not None
    lines = re.sub(r"import (.*) from .*;", r'const \1 = await import("/web/index.js");', found[1])
    with visit(beside, world.pages.origin(scheme) + "/index.html") as seen:
        keys = seen.page.evaluate("fetch('/settings.json').then(r => r.json())")["apiKeys"]
        seen.page.evaluate(
            f"""([API_KEY]) => {{
              document.documentElement.lang = "en";
              globalThis.done = (async () => {{
                {lines}
                const asked = new Promise((resolve) => {{
                  tunnel.onmessage = ({{ data }}) => resolve(data);
                }});
                tunnel.send("whoami");
                return [await asked, session.user.name];
              }})();
            }}""",
            [keys[keys.index(HOST) + 1]],
        )
        choose(seen, "g‘aniyev o‘ktam")
        choose(seen, "to‘laganova oygul")
        answer, name = seen.page.evaluate("done")
        assert json.loads(answer)["X-EIMZO-CN"] == "G‘ANIYEV O‘KTAM"
        assert name == "TO‘LAGANOVA OYGUL"
