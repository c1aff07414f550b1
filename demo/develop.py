"""All that the developer of a page needs on one machine: ``make develop``.

The gateway for ``localhost``, the agent at the ports that pages know, keys of users whose password
the agent knows, and an API that echoes, unless ``--api`` names another. It runs until Ctrl-C, and
shows what gateway and agent log.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from credentials import (
    API_KEY,
    CERTIFICATES,
    KEYS,
    PAGE_DOMAIN,
    PASSWORD_FILE,
    TRUSTSTORE,
    make_certificates,
)
from programs import ROOT, DemoError, gateway_program, program

DST_ID = "0"


async def develop(arguments: argparse.Namespace) -> int:
    """Run everything until a signal; return the exit code."""
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tunnel-gateway-")))
        try:
            print(await make_certificates())
            api = arguments.api or await _start_api(stack)
            await _start_gateway(stack, folder, api, arguments.gateway_port)
            ports = await _start_agent(stack, folder, arguments)
        except DemoError as error:
            print(f"develop: {error}", file=sys.stderr)
            return 1
        print(_summary(api, ports), flush=True)
        await ending.wait()
    return 0


async def _start_api(stack: AsyncExitStack) -> str:
    api = await stack.enter_async_context(program("api", "demo/api.py", "--port", "0"))
    return str((await api.output())["address"])


async def _start_gateway(stack: AsyncExitStack, folder: Path, api: str, port: int) -> None:
    host, _, api_port = api.rpartition(":")
    config = folder / "config.properties"
    config.write_text(
        "tunnel.enabled=yes\n"
        "tunnel.listen.ip=127.0.0.1\n"
        f"tunnel.listen.port={port}\n"
        f"tunnel.servers.dir={CERTIFICATES / 'servers'}\n"
        f"tunnel.truststore.file={TRUSTSTORE}\n"
        f"tunnel.destination.{DST_ID}.host={host}\n"
        f"tunnel.destination.{DST_ID}.port={api_port}\n",
        encoding="utf-8",
    )
    arguments = gateway_program("serve", "--config", str(config))
    gateway = await stack.enter_async_context(program("gateway", *arguments, shown=True))
    await gateway.logged("listening")


async def _start_agent(
    stack: AsyncExitStack, folder: Path, arguments: argparse.Namespace
) -> dict[str, int]:
    settings = folder / "agent.properties"
    settings.write_text(
        f"agent.tunnel.{PAGE_DOMAIN}=127.0.0.1:{arguments.gateway_port}\n"
        f"agent.truststore.file={TRUSTSTORE}\n"
        f"agent.keys.dirs={KEYS}\n",
        encoding="utf-8",
    )
    started = program(
        "agent",
        *gateway_program("agent", "--settings", str(settings)),
        *("--state", str(CERTIFICATES / "agent"), "--password-file", str(PASSWORD_FILE)),
        *("--ws-port", str(arguments.ws_port), "--wss-port", str(arguments.wss_port)),
        shown=True,
    )
    return await (await stack.enter_async_context(started)).output()


def _summary(api: str, ports: dict[str, int]) -> str:
    users = ", ".join(sorted(one.stem for one in KEYS.glob("*.pfx")))
    here = CERTIFICATES.relative_to(ROOT)
    return f"""
Serve your page at http://localhost, any port. It calls the agent at

  ws://127.0.0.1:{ports["ws_port"]}/service/cryptapi
  wss://127.0.0.1:{ports["wss_port"]}/service/cryptapi    for https; the browser must trust it:
                                               .venv/bin/tunnel-gateway agent trust \\
                                                   --state {here}/agent

  API-KEY   {PAGE_DOMAIN} {API_KEY}
  dst_id    {DST_ID}, which leads to ws://{api}/
  keys      of {users}; the agent knows their password
  another   .venv/bin/tunnel-gateway pki issue {here} --officer NAME, and start this again

docs/for-page-developers.md has the lines for the page. Ctrl-C ends it all.
"""


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--api", metavar="HOST:PORT", help="your WebSocket API (default: one that echoes)")
    add("--gateway-port", type=int, default=8843, metavar="PORT")
    add("--ws-port", type=int, default=64646, metavar="PORT")
    add("--wss-port", type=int, default=64443, metavar="PORT")
    return asyncio.run(develop(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
