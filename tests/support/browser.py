"""The user's side of the browser tests: the agent's service, the page's server, and Chromium."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Browser, Locator, Page, Playwright, expect

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.page import AgentService
from tests.support.pki import OFFICER
from tests.support.processes import LOOPBACK, TIME_LIMIT, Gateway, Program
from tunnel_gateway.pki.files.keyfiles import Identity

CHROMIUM = Path("/usr/bin/chromium")
HOST = FIRST_DOMAIN
STRANGER = "evil.uz"
DST_ID = "0"
NOBODY = 9  # a port of the REST service for pages that do not need it
LAPTOP, PHONE = (1280, 800), (360, 780)
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


class PageServer(Program):
    """demo/web.py on free ports, for every name that leads here."""

    def __init__(self, agent: AgentService, rest_port: int) -> None:
        keys = [("--api-key", name, agent.issuer.key(name)) for name in (HOST, STRANGER)]
        ports = agent.ports
        super().__init__(
            "the page",
            "demo/web.py",
            *("--port", "0", "--https-port", "0", "--domain", HOST, "--domain", STRANGER),
            *("--agent-port", str(ports["ws_port"])),
            *("--agent-https-port", str(ports["wss_port"])),
            *(part for key in keys for part in key),
            *("--dst", DST_ID, "--rest-port", str(rest_port)),
            *("--phone-key", str(agent.key("citizen"))),
            *("--phone-password-file", str(agent.password)),
        )
        self._ports: dict[str, int] = self.next_output()

    def origin(self, scheme: str, host: str = HOST) -> str:
        """Return the origin of the page under ``host``."""
        return f"{scheme}://{host}:{self._ports[scheme]}"


def officer(credentials: Credentials) -> Identity:
    """Make a user who acts for a legal entity, certified for a short time yet."""
    return credentials.user("officer", OFFICER, days=30).identity


@dataclass(frozen=True)
class World:
    """What the page talks to, each a process of its own."""

    api: Program
    gateway: Gateway
    agent: AgentService
    pages: PageServer


@contextmanager
def make_world(
    credentials: Credentials,
    folder: Path,
    *,
    users: Mapping[str, Identity] | None = None,
    rest_port: int = NOBODY,
) -> Iterator[World]:
    """Run the demonstration's API, a gateway, an agent, and the page's server.

    The users of the agent are a citizen and an officer, unless ``users`` has others.
    """
    users = users or {"citizen": credentials.citizen.identity, "officer": officer(credentials)}
    with ExitStack() as stack:

        def running(made: _Running) -> _Running:
            stack.callback(made.stop)
            return made

        api = running(Program("the API", "demo/api.py", "--port", "0"))
        port = int(api.next_output()["address"].rpartition(":")[2])
        # The page is looked at by http too, and http and https are two origins.
        settings = {"drain.timeout": 1, "http.pages": "yes"}
        gateway = running(Gateway(credentials, folder, {DST_ID: port}, settings))
        agent = running(
            AgentService(
                credentials,
                folder,
                gateway.port,
                domains=(HOST, STRANGER),
                users=users,
                settings="agent.http.pages=yes\n",
            )
        )
        yield World(api, gateway, agent, running(PageServer(agent, rest_port)))
    gateway.check_log()
    agent.check_log()


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
              const { ws, wss } = await (await fetch("/settings.json")).json();
              const agent = location.protocol === "https:" ? wss : ws;
              const socket = new WebSocket(`${agent}/service/cryptapi`);
              const call = { ...plugin && { plugin }, name, arguments: parameters };
              socket.onopen = () => socket.send(JSON.stringify(call));
              const reply = await new Promise((resolve, reject) => {
                socket.onmessage = ({ data }) => resolve(JSON.parse(data));
                socket.onclose = reject;
              });
              socket.close();
              return reply.success ? reply : { code: reply.code };
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
    given: dict[str, Any] = {
        "locale": "en-US",
        "ignore_https_errors": True,
        "permissions": ["local-network-access"],  # the page may reach the agent
        **options,
    }
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **given)
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
