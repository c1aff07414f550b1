"""Packages of npm that wrap the vendor's scripts, unchanged, against the agent.

Each is fetched when the test runs, and is not part of this project. They know only the ports of the
first pair; the browser leads these to the ports of the tests' agent.
"""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from tests.support.browser import World, chromium, visit
from tests.support.processes import LOOPBACK, TIME_LIMIT
from tunnel_gateway.agent.api.ports import PAIRS
from tunnel_gateway.cms.signed_data import parse_signed_data

# A package may have only its sources in TypeScript.
BUNDLER = "esbuild@0.28.2"


def npm(folder: Path, *packages: str) -> None:
    """Install packages into a folder, without their scripts; skip the test where that fails."""
    program = shutil.which("npm")
    if program is None:
        pytest.skip("npm is missing")
    try:
        subprocess.run(
            [program, "install", "--ignore-scripts", "--no-save", "--prefix", folder, *packages],
            check=True,
            capture_output=True,
            timeout=TIME_LIMIT,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as fault:
        pytest.skip(f"the registry does not give {packages}: {fault}")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of the files in the test's folder, as a page of localhost."""
    (tmp_path / "index.html").write_text("<!doctype html><title>sahifa</title>")
    with ThreadingHTTPServer((LOOPBACK, 0), partial(Quiet, directory=str(tmp_path))) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        serving.join()


@pytest.fixture
def led(playwright: Playwright, world: World) -> Iterator[Browser]:
    """A browser that leads the ports of the first pair to the agent's."""
    ports = world.agent.ports
    rules = ", ".join(
        f"MAP {LOOPBACK}:{known} {LOOPBACK}:{real}"
        for known, real in ((PAIRS[0].ws, ports["ws_port"]), (PAIRS[0].wss, ports["wss_port"]))
    )
    with chromium(playwright, f"--host-resolver-rules={rules}") as running:
        yield running


def evaluate(browser: Browser, site: str, script: str) -> Any:
    with visit(browser, site + "/index.html") as seen:
        return seen.page.evaluate(script)


def test_eimzo_client(led: Browser, site: str, tmp_path: Path) -> None:
    """The scripts of the vendor's guide as an ES module: e-imzo.js and e-imzo-client.js."""
    npm(tmp_path, "@shohrux_saidov/eimzo-client@0.0.9")
    result = evaluate(
        led,
        site,
        """async () => {
          const place = "/node_modules/@shohrux_saidov/eimzo-client/src/index.js";
          const client = await (await import(place)).initModuleEimzo();
          await client.checkVersion();
          await client.installApiKeys();
          const keys = await client.listAllUserKeys();
          const citizen = keys.find((key) => key.TIN === "400000001") ?? keys[0];
          const { id } = await client.loadKey(citizen);
          const signed = await client.getHashESign(citizen, "Salom, dunyo", id);
          return { count: keys.length, citizen, signed };
        }""",
    )
    assert result["count"] == 2
    assert result["citizen"]["CN"]
    message = parse_signed_data(b64decode(result["signed"]["hash"]))
    assert message.content == b"Salom, dunyo"
    assert b64decode(result["signed"]["token"])


def test_e_imzo(led: Browser, site: str, tmp_path: Path) -> None:
    """The vendor's CAPIWS in TypeScript."""
    npm(tmp_path, "e-imzo@0.2.0", BUNDLER)
    bundled = tmp_path / "bundled.js"
    subprocess.run(
        [
            tmp_path / "node_modules/.bin/esbuild",
            tmp_path / "node_modules/e-imzo/Capiws.ts",
            *("--bundle", "--format=esm", f"--outfile={bundled}"),
        ],
        check=True,
        capture_output=True,
        timeout=TIME_LIMIT,
    )
    result = evaluate(
        led,
        site,
        """async () => {
          const { Capiws } = await import("/bundled.js");
          const service = new Capiws();
          const ask = (method, ...first) => new Promise((resolve, reject) =>
            service[method](...first, (_, data) => resolve(data), reject));
          const call = (plugin, name, ...parameters) =>
            ask("callFunction", { plugin, name, arguments: parameters });
          return {
            version: await ask("version"),
            apidoc: await ask("apiDoc"),
            early: await call("pfx", "list_disks"),
            tokens: await call("ftjc", "list_all_keys", ""),
          };
        }""",
    )
    assert result["version"]["success"] is True
    assert any(group["name"] == "tunnel" for group in result["apidoc"]["apidoc"])
    assert result["early"]["status"] == -1022
    assert result["tokens"]["status"] == 0
