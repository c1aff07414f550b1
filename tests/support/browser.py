"""The user's side of the browser tests: the agent's service, the page's server, and Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Browser, Locator, Page, Playwright, expect

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.processes import COMMAND, LOOPBACK, TIME_LIMIT, Gateway, Program
from tunnel_gateway.agent.apikey import make_api_key
from tunnel_gateway.pki.alias import make_alias
from tunnel_gateway.pki.certificate import to_pem
from tunnel_gateway.pki.keyfiles import Identity, identity_to_pfx

CHROMIUM = Path("/usr/bin/chromium")
HOST = FIRST_DOMAIN
STRANGER = "evil.uz"
DST_ID = "0"
PASSWORD = "a password of tests"
LAPTOP, PHONE = (1280, 800), (390, 844)
MILLISECONDS = TIME_LIMIT * 1000

# Nothing of Chromium's own shall go to the network, and the two names lead to this machine.
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {HOST} {LOOPBACK}, MAP {STRANGER} {LOOPBACK}",
]


_Running = TypeVar("_Running", bound=Program)


class AgentService(Program):
    """``tunnel-gateway agent`` on free ports, with ``gateways`` as ports by domain."""

    def __init__(self, credentials: Credentials, folder: Path, gateways: Mapping[str, int]) -> None:
        folder.mkdir()
        centre = folder / "centre.pem"
        centre.write_bytes(to_pem([credentials.authority.centre.leaf]))
        password = folder / "password"
        password.touch(mode=0o600)
        password.write_text(PASSWORD, encoding="utf-8")
        self._keys = folder / "keys"
        self._keys.mkdir()
        self.add_key("citizen", credentials.citizen.identity)
        settings = folder / "agent.properties"
        lines = {
            "agent.truststore.file": credentials.truststore,
            "agent.apikey.issuers": centre,
            "agent.keys.dirs": self._keys,
            **{f"agent.tunnel.{name}": f"{LOOPBACK}:{port}" for name, port in gateways.items()},
        }
        settings.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        super().__init__(
            "the agent",
            *COMMAND,
            *("agent", "--settings", str(settings), "--password-file", str(password)),
            *("--state", str(folder / "state"), "--ws-port", "0", "--wss-port", "0"),
        )
        announced = self.next_output()
        self.ws: int = announced["ws_port"]
        self.wss: int = announced["wss_port"]

    def add_key(self, name: str, identity: Identity) -> None:
        """Put a key file where the agent looks."""
        made = identity_to_pfx(
            identity, make_alias(identity.leaf), PASSWORD.encode(), os.urandom, rounds=1000
        )
        (self._keys / f"{name}.pfx").write_bytes(made)


class PageServer(Program):
    """demo/web.py on free ports, for every name that leads here."""

    def __init__(self, credentials: Credentials, agent: AgentService) -> None:
        issuer = credentials.authority.centre.private_key
        keys = [
            ("--api-key", name, make_api_key(issuer, name, os.urandom(32)))
            for name in (HOST, STRANGER)
        ]
        super().__init__(
            "the page",
            "demo/web.py",
            *("--port", "0", "--https-port", "0", "--domain", HOST, "--domain", STRANGER),
            *("--agent-port", str(agent.ws), "--agent-https-port", str(agent.wss)),
            *(part for key in keys for part in key),
            *("--dst", DST_ID),
        )
        self._ports: dict[str, int] = self.next_output()

    def origin(self, scheme: str, host: str = HOST) -> str:
        """Return the origin of the page under ``host``."""
        return f"{scheme}://{host}:{self._ports[scheme]}"


@dataclass(frozen=True)
class World:
    """What the page talks to, each a process of its own."""

    api: Program
    gateway: Gateway
    agent: AgentService
    pages: PageServer


@contextmanager
def make_world(credentials: Credentials, folder: Path) -> Iterator[World]:
    """Run the demonstration's API, a gateway, an agent, and the page's server."""
    with ExitStack() as stack:

        def running(made: _Running) -> _Running:
            stack.callback(made.stop)
            return made

        api = running(Program("the API", "demo/api.py", "--port", "0"))
        port = int(api.next_output()["address"].rpartition(":")[2])
        settings = {"drain.timeout": 1}
        gateway = running(Gateway(credentials, folder, {DST_ID: port}, settings))
        gateways = dict.fromkeys((HOST, STRANGER), gateway.port)
        agent = running(AgentService(credentials, folder / "agent", gateways))
        yield World(api, gateway, agent, running(PageServer(credentials, agent)))
    gateway.check_log()
    assert "Traceback" not in "\n".join(agent.errors)


@dataclass
class Visit:
    """A page that is being looked at, and what its console said."""

    page: Page
    errors: list[str]

    def find(self, selector: str) -> Locator:
        """Return what the selector finds."""
        return self.page.locator(selector)

    def step(self, name: str, state: str) -> None:
        """Wait until a step of the page is in this state."""
        expect(self.find(f"#step-{name}")).to_have_attribute("data-state", state)

    def create_tunnel(self) -> str:
        """Choose the first key, create the tunnel, and return its address once it is open."""
        self.step("agent", "done")
        self.find("#keys label").first.click()
        self.find("#create").click()
        self.step("tunnel", "done")
        return self.find("[data-fact='tunnel.address']").inner_text()

    def call(self, plugin: str, name: str, *parameters: str) -> dict[str, Any]:
        """Call a function of the agent as a script of this page would, API-KEY or not."""
        answer: dict[str, Any] = self.page.evaluate(
            """async ([plugin, name, parameters]) => {
              const { call } = await import("/capiws.js");
              const { ws, wss } = await (await fetch("/settings.json")).json();
              const agent = location.protocol === "https:" ? wss : ws;
              return call(agent, plugin, name, parameters).catch(({ code }) => ({ code }));
            }""",
            [plugin, name, list(parameters)],
        )
        return answer

    def connect(self, address: str) -> str:
        """Open a WebSocket and send "whoami"; return the answer, or the code of its end."""
        answer: str = self.page.evaluate(
            """(address) => new Promise((resolve) => {
              const socket = new WebSocket(`ws://${address}/`);
              socket.onopen = () => socket.send("whoami");
              socket.onmessage = ({ data }) => resolve(data);
              socket.onclose = ({ code }) => resolve(String(code));
            })""",
            address,
        )
        return answer

    def check_console(self, *allowed: str) -> None:
        """Fail if the console has an error that holds none of these texts."""
        found = [one for one in self.errors if not any(part in one for part in allowed)]
        assert not found, found


@contextmanager
def chromium(playwright: Playwright, *more: str) -> Iterator[Browser]:
    """A browser of its own, with empty user data."""
    expect.set_options(timeout=MILLISECONDS)
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*_ARGUMENTS, *more], timeout=MILLISECONDS
    )
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def visit(
    browser: Browser, address: str, *, size: tuple[int, int] = LAPTOP, **options: Any
) -> Iterator[Visit]:
    """Look at the page in a context of its own: nothing is remembered between two."""
    options = {"locale": "en-US", "ignore_https_errors": True} | options
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
    context.set_default_timeout(MILLISECONDS)
    try:
        seen = Visit(context.new_page(), [])
        seen.page.on(
            "console", lambda one: seen.errors.append(one.text) if one.type == "error" else None
        )
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.goto(address)
        yield seen
    finally:
        with suppress(Exception):
            context.close()
