"""A tunnel, sign-ins and signed documents, shown step by step: ``make demo``.

Each part is a separate process: an authority that tells the status of certificates, an API
(demo/api.py), and the gateway with the REST service (config/demo.properties). The user's agent runs
once as ``tunnel-gateway connect`` and once as the service that pages call. The server of a site is
demo/web.py, and a phone for development is ``tunnel-gateway mobile phone``. This program plays the
page; with ``--stay`` a browser can be the page. The exit code is 0 if everything went as it should.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from credentials import DEVELOPMENT, DOMAIN
from phone import DevelopmentPhone
from phone_visit import PhoneVisit
from programs import ROOT, DemoError, Program, expect, gateway_program, program
from signing import SigningVisit
from visit import PageVisit
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

CONFIG = ROOT / "config" / "demo.properties"
USER = DEVELOPMENT.users / "citizen"
GATEWAY = "127.0.0.1:8843"
API_PORT = 8080
REST = "http://127.0.0.1:8082"
SUBPROTOCOL = Subprotocol("chat.example.uz")
BIG = 10 * 1024 * 1024
TIME_LIMIT = 30.0

CONNECT = [
    *("connect", "--gateway", GATEWAY, "--domain", DOMAIN, "--dst", "0"),
    *("--key", str(USER / "key.pem"), "--cert", str(USER / "chain.pem")),
    *("--truststore", str(DEVELOPMENT.truststore)),
]


class Story:
    """The steps, printed while they run, with the time that each took."""

    def __init__(self) -> None:
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._number = 0

    async def step(self, text: str, doing: Awaitable[str]) -> None:
        """Do one step, and print the text that it returns."""
        self._number += 1
        # The title stands there while a person waits.
        print(f"{self._number:3}. {self._paint(text, 1):<60} ", end="", flush=True)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(TIME_LIMIT):
                seen = await doing
        except TimeoutError:
            raise DemoError(f"{text}: nothing happened in {TIME_LIMIT:g} s") from None
        except (DemoError, OSError, WebSocketException) as error:
            raise DemoError(f"{text}: {error}") from error
        print(self._paint(f"{(time.perf_counter() - started) * 1000:8.1f} ms", 2))
        for line in seen.splitlines():
            print(f"       {self._paint(line, 32)}")

    def _paint(self, text: str, style: int) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour else text


class Demonstration:
    """The steps, in order. Each returns what was seen."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._gateway: Program
        self._agent: Program
        self._address = ""
        self._page: ClientConnection

    def steps(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        """Return every step with its title."""
        return [
            ("development certificates", DEVELOPMENT.make),
            ("the authority answers", self.start_authority),
            ("the organisation's WebSocket API starts", self.start_api),
            ("the gateway starts", self.start_gateway),
            ("the agent makes a tunnel", self.make_tunnel),
            ("a page connects to the one-shot address", self.connect_page),
            ("who does the API see?", self.whoami),
            ("a text message", self.text),
            ("a binary message", self.binary),
            (f"a message of {BIG // 2**20} MiB there and back", self.big),
            ("a ping", self.ping),
            ("a second connection to the same address", self.second_connection),
            ("the page closes", self.close),
            ("the gateway's line about the tunnel", self.access_log),
        ]

    async def start_authority(self) -> str:
        """Start what tells the status of the certificates and gives time stamps."""
        arguments = gateway_program("pki", "serve", str(DEVELOPMENT.folder))
        authority = await self._start("the authority", *arguments)
        return f"status of certificates and time stamps at {(await authority.output())['address']}"

    async def start_api(self) -> str:
        """Start the API and wait until it listens."""
        api = await self._start("the API", "demo/api.py", "--port", str(API_PORT))
        return f"listening on ws://{(await api.output())['address']}"

    async def start_gateway(self) -> str:
        """Start the gateway and wait until it listens."""
        arguments = gateway_program("serve", "--config", str(CONFIG))
        self._gateway = await self._start("the gateway", *arguments)
        listening = await self._gateway.logged("listening")
        rest = await self._gateway.logged("rest_listening")
        return (
            f"listening on {listening['address']} for {', '.join(listening['domains'])}\n"
            f"the REST service at http://{rest['address']}"
        )

    async def make_tunnel(self) -> str:
        """Let the agent make a tunnel and take over its address."""
        self._agent = await self._start("the agent", *gateway_program(*CONNECT))
        answer = await self._agent.output()
        self._address = answer["address"]
        return f"address {self._address}, good for one connection\ntunnel id {answer['tunnel_id']}"

    async def connect_page(self) -> str:
        """Open the WebSocket through the tunnel."""
        self._page = await self._stack.enter_async_context(
            connect(
                f"ws://{self._address}/",
                origin=f"https://{DOMAIN}",  # type: ignore[arg-type]
                subprotocols=[SUBPROTOCOL],
                max_size=2 * BIG,
                proxy=None,
            )
        )
        extensions = [extension.name for extension in self._page.protocol.extensions]
        expect(self._page.subprotocol == SUBPROTOCOL, "the subprotocol did not pass")
        expect(extensions == ["permessage-deflate"], "the compression did not pass")
        return f"subprotocol {self._page.subprotocol}, compression {extensions[0]}"

    async def whoami(self) -> str:
        """Ask the API which user it sees."""
        identity = json.loads(await self._ask("whoami"))
        for name in ("X-EIMZO-CN", "X-EIMZO-PINFL"):
            expect(identity.get(name), f"the API got no {name}")
        return "\n".join(f"{name}: {value}" for name, value in identity.items())

    async def text(self) -> str:
        """Send text in Uzbek and expect it back."""
        message = "Assalomu alaykum, O‘zbekiston!"
        expect(await self._ask(message) == message, "the text came back changed")
        return message

    async def binary(self) -> str:
        """Send every byte value and expect them back."""
        message = bytes(range(256))
        expect(await self._ask(message) == message, "the bytes came back changed")
        return "256 bytes"

    async def big(self) -> str:
        """Send a message that compression cannot shrink and expect it back."""
        message = os.urandom(BIG)
        started = time.perf_counter()
        expect(await self._ask(message) == message, "the message came back changed")
        rate = 2 * BIG / (time.perf_counter() - started) / 1e6
        return f"{rate:.0f} MB/s in all"

    async def ping(self) -> str:
        """Ping the API."""
        latency = await (await self._page.ping())
        return f"answered in {latency * 1000:.1f} ms"

    async def second_connection(self) -> str:
        """Try the address again: it must fail at once."""
        try:
            async with connect(f"ws://{self._address}/", proxy=None):
                pass
        except ConnectionRefusedError:
            return "refused, as it must be"
        raise DemoError("the address took a second connection")

    async def close(self) -> str:
        """Close the WebSocket; the agent ends with it."""
        await self._page.close()
        code = await self._agent.process.wait()
        expect(code == 0, f"the agent ended with {code}: {self._agent.last_words()}")
        return f"close code {self._page.close_code}, and the agent has ended with it"

    async def access_log(self) -> str:
        """Show what the gateway wrote about it."""
        line = await self._gateway.logged("tunnel_closed")
        expect(line["reason"] == "completed", f"the tunnel ended with {line['reason']}")
        return "\n".join(f"{key}: {value}" for key, value in line.items() if key != "event")

    async def _start(self, name: str, *arguments: str) -> Program:
        return await self._stack.enter_async_context(program(name, *arguments))

    async def _ask(self, message: str | bytes) -> str | bytes:
        await self._page.send(message)
        return await self._page.recv()


async def stay(page: PageVisit) -> None:
    """Say how to reach what is running, and wait for the end."""
    command = " ".join(part.replace(f"{ROOT}/", "") for part in CONNECT)
    print(
        f"""
Everything goes on. Open the page:

    {page.address}

or make a tunnel of your own:

    .venv/bin/tunnel-gateway {command}

and talk to the address that it prints (whoami asks the API who you are):

    .venv/bin/websockets ws://127.0.0.1:PORT/

Ctrl-C ends all programs.""",
        flush=True,
    )
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    await ending.wait()


async def demonstrate(*, staying: bool) -> int:
    """Go through the steps; return the exit code."""
    story = Story()
    async with AsyncExitStack() as stack:
        page = PageVisit(stack, GATEWAY)
        phone = DevelopmentPhone(DEVELOPMENT.phone_key, None, REST)
        parts = [
            Demonstration(stack),
            page,
            SigningVisit(stack, page),
            PhoneVisit(stack, page, phone, REST),
        ]
        try:
            for text, doing in (step for part in parts for step in part.steps()):
                await story.step(text, doing())
        except DemoError as error:
            print(f"\nThe demonstration failed: {error}", file=sys.stderr)
            return 1
        print("\nEverything went as it should.")
        if staying:
            await stay(page)
    return 0


def main() -> int:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--stay", action="store_true", help="leave all programs running, for a browser"
    )
    return asyncio.run(demonstrate(staying=parser.parse_args().stay))


if __name__ == "__main__":
    sys.exit(main())
