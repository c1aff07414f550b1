"""All that the developer of a site needs on one machine: ``make develop``.

The gateway for ``localhost``, with the REST service for the site's backend. The authority that
tells the status of certificates. The agent at the ports that pages know, with users' keys whose
password it knows. An API that echoes, unless ``--api`` names another. All of it runs until Ctrl-C,
and shows what gateway, authority and agent log.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from credentials import API_KEY, DEVELOPMENT, PAGE_DOMAIN, Certificates
from programs import DemoError, Program, gateway_program, program

DST_ID = "0"
SITE_ID = "0000"


async def develop(given: argparse.Namespace) -> int:
    """Run everything until a signal; return the exit code."""
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tunnel-gateway-")))
        surroundings = Surroundings(stack, folder, given)
        try:
            print(await surroundings.certificates.make(), flush=True)
            summary = await surroundings.start()
        except DemoError as error:
            print(f"develop: {error}", file=sys.stderr)
            return 1
        print(summary, flush=True)
        await ending.wait()
    return 0


class Surroundings:
    """The programs around a site; their settings lie in ``folder``."""

    def __init__(self, stack: AsyncExitStack, folder: Path, given: argparse.Namespace) -> None:
        self._stack = stack
        self._folder = folder
        self._given = given
        self.certificates = Certificates(given.certificates.resolve())

    async def start(self) -> str:
        """Start all of them; return what the developer must know."""
        api = self._given.api or await self._start_api()
        stamps = await self._start_authority()
        await self._start_gateway(api, stamps)
        return self._summary(api, await self._start_agent())

    async def _start_api(self) -> str:
        api = await self._run("api", "demo/api.py", "--port", "0", shown=False)
        return str((await api.output())["address"])

    async def _start_authority(self) -> str:
        """Return the address for time stamps."""
        arguments = gateway_program("pki", "serve", str(self.certificates.folder))
        authority = await self._run("authority", *arguments)
        return str((await authority.output())["tsa"])

    async def _start_gateway(self, api: str, stamps: str) -> None:
        host, _, port = api.rpartition(":")
        config = self._folder / "config.properties"
        config.write_text(
            "tunnel.enabled=yes\n"
            "tunnel.listen.ip=127.0.0.1\n"
            f"tunnel.listen.port={self._given.gateway_port}\n"
            f"tunnel.servers.dir={self.certificates.servers}\n"
            f"tunnel.truststore.file={self.certificates.truststore}\n"
            f"tunnel.destination.{DST_ID}.host={host}\n"
            f"tunnel.destination.{DST_ID}.port={port}\n"
            "listen.ip=127.0.0.1\n"
            f"listen.port={self._given.rest_port}\n"
            f"tsp.truststore.file={self.certificates.truststore}\n"
            f"tsp.url={stamps}\n"
            f"mobile.siteId={SITE_ID}\n",
            encoding="utf-8",
        )
        gateway = await self._run("gateway", *gateway_program("serve", "--config", str(config)))
        await gateway.logged("listening")
        await gateway.logged("rest_listening")

    async def _start_agent(self) -> dict[str, int]:
        """Return its ports."""
        settings = self._folder / "agent.properties"
        settings.write_text(
            f"agent.tunnel.{PAGE_DOMAIN}=127.0.0.1:{self._given.gateway_port}\n"
            f"agent.truststore.file={self.certificates.truststore}\n"
            f"agent.keys.dirs={self.certificates.page_keys}\n",
            encoding="utf-8",
        )
        agent = await self._run(
            "agent",
            *gateway_program("agent", "--settings", str(settings)),
            *("--state", str(self.certificates.folder / "agent")),
            *("--password-file", str(self.certificates.password_file)),
            *self._agent_ports(),
        )
        return await agent.output()

    def _agent_ports(self) -> list[str]:
        given = {"--ws-port": self._given.ws_port, "--wss-port": self._given.wss_port}
        return [
            word for name, port in given.items() if port is not None for word in (name, str(port))
        ]

    async def _run(self, name: str, *arguments: str, shown: bool = True) -> Program:
        return await self._stack.enter_async_context(program(name, *arguments, shown=shown))

    def _summary(self, api: str, ports: dict[str, int]) -> str:
        users = ", ".join(sorted(one.stem for one in self.certificates.page_keys.glob("*.pfx")))
        here = self.certificates.name
        return f"""
Serve your page at http://localhost, any port. It calls the agent at

  ws://127.0.0.1:{ports["ws_port"]}/service/cryptapi
  wss://127.0.0.1:{ports["wss_port"]}/service/cryptapi    for https; the browser must trust it:
                                               .venv/bin/tunnel-gateway agent trust \\
                                                   --state {here}/agent

  API-KEY   {PAGE_DOMAIN} {API_KEY}
  dst_id    {DST_ID}, which leads to ws://{api}/
  REST API  http://127.0.0.1:{self._given.rest_port} for your backend; /openapi describes it
  siteId    {SITE_ID}, for signatures by phone; this command plays the phone:
            .venv/bin/tunnel-gateway mobile phone CODE --key {here}/users/citizen/user.pfx \\
                --url http://127.0.0.1:{self._given.rest_port}/frontend/mobile/upload
  keys      of {users}; the agent knows their password
  another   .venv/bin/tunnel-gateway pki issue {here} --officer NAME, and start this again

docs/for-page-developers.md has the lines for the page, docs/for-backends.md those for the backend.
Ctrl-C ends it all.
"""


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--api", metavar="HOST:PORT", help="your WebSocket API (default: one that echoes)")
    add("--certificates", type=Path, default=DEVELOPMENT.folder, metavar="DIR", help="of pki init")
    add("--gateway-port", type=int, default=8843, metavar="PORT")
    add("--rest-port", type=int, default=8080, metavar="PORT", help="of the REST API")
    add("--ws-port", type=int, metavar="PORT", help="of the agent: only this one")
    add("--wss-port", type=int, metavar="PORT", help="of the agent: only this one")
    return asyncio.run(develop(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
