"""The page's part of the demonstration: its server, its agent, and its calls without a browser."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from credentials import API_KEY, DEVELOPMENT, PAGE_DOMAIN
from programs import DemoError, Program, expect, gateway_program, program
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

DST_ID = "0"


class PageVisit:
    """The steps of a page that makes a tunnel. Each returns what was seen."""

    def __init__(self, stack: AsyncExitStack, gateway: str) -> None:
        self._stack = stack
        self._gateway = gateway
        self._service = ""
        self._tunnel: dict[str, Any]
        self.origin = ""
        self.keys: list[dict[str, str]] = []
        self.key_id = ""

    @property
    def address(self) -> str:
        """Where a browser finds the page."""
        return f"{self.origin}/"

    def steps(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        """Return every step with its title."""
        return [
            ("the agent's service for pages starts", self.start_agent),
            ("the page's server starts", self.start_server),
            ("the page installs its API-KEY", self.install_api_key),
            ("the page lists keys and loads one", self.load_key),
            ("the page creates a tunnel", self.create_tunnel),
            ("a page of another origin tries its address", self.stranger),
            ("the page talks through it", self.talk),
        ]

    async def start_agent(self) -> str:
        """Start the agent with settings of its own, and wait until it listens."""
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="tunnel-gateway-")))
        settings = folder / "agent.properties"
        settings.write_text(
            f"agent.tunnel.{PAGE_DOMAIN}={self._gateway}\n"
            f"agent.truststore.file={DEVELOPMENT.truststore}\n"
            f"agent.keys.dirs={DEVELOPMENT.page_keys}\n",
            encoding="utf-8",
        )
        agent = await self._start(
            "the agent's service",
            *gateway_program("agent", "--settings", str(settings), "--state", str(folder)),
            *(
                "--password-file",
                str(DEVELOPMENT.password_file),
                "--ws-port",
                "0",
                "--wss-port",
                "0",
            ),
        )
        self._ports = await agent.output()
        self._service = f"ws://127.0.0.1:{self._ports['ws_port']}{self._ports['path']}"
        return f"listening on {self._service}"

    async def start_server(self) -> str:
        """Start the server of the page and wait until it listens."""
        server = await self._start(
            "the page's server",
            *("demo/web.py", "--port", "0", "--https-port", "0", "--domain", PAGE_DOMAIN),
            *("--agent-port", str(self._ports["ws_port"])),
            *("--agent-https-port", str(self._ports["wss_port"])),
            *("--api-key", PAGE_DOMAIN, API_KEY, "--dst", DST_ID),
            *("--phone-key", str(DEVELOPMENT.phone_key)),
        )
        self.origin = f"http://{PAGE_DOMAIN}:{(await server.output())['http']}"
        return f"listening on {self.address}"

    async def install_api_key(self) -> str:
        """Be let in by the agent."""
        version = await self.call("version")
        await self.call("apikey", PAGE_DOMAIN, API_KEY)
        return f"E-IMZO {version['major']}.{version['minor']}, for {PAGE_DOMAIN}"

    async def load_key(self) -> str:
        """Choose the first of the keys."""
        self.keys = (await self.call("list_all_certificates", plugin="pfx"))["certificates"]
        self.key_id = await self.load(self.keys[0])
        return "\n".join(one["alias"].split(",")[0] for one in self.keys)

    async def load(self, key: dict[str, str]) -> str:
        """Load a key of the list; return its keyId."""
        parts = [key[part] for part in ("disk", "path", "name", "alias")]
        return str((await self.call("load_key", *parts, plugin="pfx"))["keyId"])

    async def create_tunnel(self) -> str:
        """Let the agent make a tunnel for the page."""
        self._tunnel = await self.call("create_tunnel", DST_ID, self.key_id, plugin="tunnel")
        return f"address {self._tunnel['address']}, for {self.origin} only"

    async def stranger(self) -> str:
        """Knock at the address from another origin, which must not use it up."""
        try:
            async with connect(self._tunnel_address, origin="https://evil.uz", proxy=None):  # type: ignore[arg-type]
                pass
        except InvalidStatus as refusal:
            return f"refused with {refusal.response.status_code}, as it must be"
        raise DemoError("the address took a page of another origin")

    async def talk(self) -> str:
        """Ask the API who it sees, and close."""
        async with connect(self._tunnel_address, origin=self.origin, proxy=None) as page:  # type: ignore[arg-type]
            await page.send("whoami")
            identity = json.loads(await page.recv())
        expect(identity["X-EIMZO-Tunnel-Id"] == self._tunnel["tunnel_id"], "another tunnel's id")
        return f"X-EIMZO-CN: {identity['X-EIMZO-CN']}"

    @property
    def _tunnel_address(self) -> str:
        return f"ws://{self._tunnel['address']}/"

    async def call(self, name: str, *arguments: str, plugin: str | None = None) -> dict[str, Any]:
        """Call a function of the agent."""
        call = {"name": name, "arguments": arguments} | ({"plugin": plugin} if plugin else {})
        async with connect(self._service, origin=self.origin, proxy=None) as socket:  # type: ignore[arg-type]
            await socket.send(json.dumps(call))
            reply: dict[str, Any] = json.loads(await socket.recv())
        expect(reply["success"], f"{name} was refused: {reply.get('reason')}")
        return reply

    async def _start(self, name: str, *arguments: str) -> Program:
        return await self._stack.enter_async_context(program(name, *arguments))
