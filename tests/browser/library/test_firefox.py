"""The library in a real Firefox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.browser import HOST
from tests.support.firefox import FIREFOX, Firefox, firefox
from tests.support.processes import LOOPBACK
from tests.support.signing_programs import eimzo, key, signing_program
from tests.support.web_library import Site

WEB = 'const web = await import("/web/index.js");'


@pytest.fixture(scope="module")
def fox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    if not FIREFOX.exists():
        pytest.skip(f"{FIREFOX} is missing")
    with firefox(tmp_path_factory.mktemp("firefox") / "profile") as running:
        yield running


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_tunnel_beside_eimzo(scheme: str, fox: Firefox, site: Site) -> None:
    with eimzo() as first, signing_program() as agent:
        fox.visit(site.origin(scheme) + "/page")
        lines = f"""{WEB}
          const states = [];
          const tunnel = await web.openTunnel({{
            destination: "7", apiKey: "A1", onstate: ({{ state }}) => states.push(state),
            addresses: given }});
          const hear = () => new Promise((done) => {{
            tunnel.onmessage = ({{ data }}) => done(data);
          }});
          const heard = [await hear()];
          tunnel.send("salom");
          heard.push(await hear());
          const event = await new Promise((resolve) => {{
            tunnel.onclose = resolve;
            tunnel.send("end 1011 gateway_lost: it broke");
          }});
          return [heard, states, web.whyEnded(event).code, await web.permission()];"""
        addresses = [f"ws://{LOOPBACK}:{one.port}" for one in (first, agent)]
        heard, states, why, permission = fox.run(lines, *addresses)
        assert heard == ["welcome to /", "salom"]
        assert states == ["finding", "creating", "connecting", "open", "closed"]
        assert why == "gateway_lost"
        assert permission == "granted"


def test_a_signature_and_a_failure(fox: Firefox, site: Site) -> None:
    with eimzo() as program:
        fox.visit(site.origin() + "/page")
        lines = f"""{WEB}
          const options = {{ apiKey: "A1", addresses: given, document: "text" }};
          const {{ pkcs7 }} = await web.sign(options);
          const code = await web.openTunnel(options).catch((error) => error.code);
          return [pkcs7, code];"""
        assert fox.run(lines, f"ws://{LOOPBACK}:{program.port}") == ["c2lnbmVkIHRleHQ=", "no_agent"]


def test_the_choice_of_a_key(fox: Firefox, site: Site) -> None:
    listed = {"success": True, "certificates": [key(), key("to‘laganova oygul")]}
    with signing_program({"pfx.list_all_certificates": listed}) as agent:
        fox.visit(site.origin() + "/page")
        lines = f"""{WEB}
          const opening = web.openTunnel({{
            destination: "7", apiKey: "A1", addresses: given, lang: "ru" }});
          let element;
          while (!(element = document.querySelector("dialog[open] tunnel-gateway-keys"))) {{
            await new Promise((done) => setTimeout(done, 20));
          }}
          const [, radio] = element.shadowRoot.querySelectorAll("input");
          radio.click();
          document.querySelector("dialog button").click();
          return [(await opening).readyState, radio.labels[0].textContent];"""
        state, label = fox.run(lines, f"ws://{LOOPBACK}:{agent.port}")
        assert state == 1
        assert label.startswith("to‘laganova oygul")
        assert agent.calls[-2][4] == listed["certificates"][1]["alias"]  # type: ignore[index]


def test_a_question_that_does_not_come_is_not_explained(fox: Firefox, site: Site) -> None:
    with signing_program() as agent:
        fox.visit(site.origin("https", HOST) + "/page")
        lines = f"""{WEB}
          const find = (address) => web.findAgent({{ apiKey: "A1", addresses: [address] }}).then(
            (found) => found.address, ({{ code }}) => code);
          return [await web.permission(), await find(given[0]), await find("ws://127.0.0.1:9")];"""
        address = f"ws://{LOOPBACK}:{agent.port}"
        assert fox.run(lines, address) == ["prompt", address, "no_agent"]
