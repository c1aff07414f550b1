"""A real Firefox, driven by the little of WebDriver BiDi that a test needs."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.processes import TIME_LIMIT

FIREFOX = Path("/usr/bin/firefox-esr")
_LISTENS = "WebDriver BiDi listening on "
# Firefox must not call its maker.
_SETTINGS = """user_pref("app.normandy.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.dns.localDomains", "example.uz");
user_pref("services.settings.server", "data:,");
user_pref("toolkit.telemetry.server", "data:,");
"""


@dataclass
class Firefox:
    """A running Firefox with one page."""

    socket: ClientConnection
    numbers: Iterator[int] = field(default_factory=itertools.count)
    context: str = ""

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv(TIME_LIMIT))
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                result: dict[str, Any] = answer["result"]
                return result

    def visit(self, address: str) -> None:
        """Show a page."""
        self.send("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def run(self, lines: str, *given: object) -> Any:
        """Run lines of JavaScript with ``given``, and return what they return."""
        result = self.send(
            "script.evaluate",
            expression=f"""(async (given) => JSON.stringify(await (async () => {{
              {lines} }})() ?? null))({json.dumps(given)})""",
            target={"context": self.context},
            awaitPromise=True,
        )
        assert result["type"] == "success", result
        return json.loads(result["result"]["value"])


@contextmanager
def firefox(profile: Path) -> Iterator[Firefox]:
    """Run Firefox without a window, with a profile of its own."""
    profile.mkdir()
    (profile / "user.js").write_text(_SETTINGS)
    arguments = ["--headless", "--no-remote", "--profile", str(profile)]
    process = subprocess.Popen(
        [FIREFOX, *arguments, "--remote-debugging-port", "0", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={"HOME": str(profile), "PATH": "/usr/bin:/bin", "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1"},
    )
    try:
        assert process.stderr is not None
        address = next(line for line in process.stderr if line.startswith(_LISTENS))
        address = address.removeprefix(_LISTENS).strip() + "/session"
        with connect(address, proxy=None, open_timeout=TIME_LIMIT, max_size=None) as socket:
            running = Firefox(socket)
            trust = {"alwaysMatch": {"acceptInsecureCerts": True}}
            running.send("session.new", capabilities=trust)
            (tab, *_) = running.send("browsingContext.getTree")["contexts"]
            running.context = tab["context"]
            yield running
    finally:
        process.terminate()
        process.communicate(timeout=TIME_LIMIT)
