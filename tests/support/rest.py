"""The HTTP server of the REST service in this process, and a client that writes bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.rest.call import Call, Method, Wanted
from tunnel_gateway.rest.callers import CallerRules, Callers
from tunnel_gateway.rest.handling import Handler
from tunnel_gateway.rest.http_server import RestServer
from tunnel_gateway.rest.receiving import BodyMemory
from tunnel_gateway.rest.rest_metrics import RestMetrics
from tunnel_gateway.rest.routing import Routes
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.transport.streams.listener import bound_socket
from tunnel_gateway.transport.wire.rates import Rate

LOOPBACK = (ip_network("127.0.0.0/8"),)
RULES = CallerRules(LOOPBACK, LOOPBACK, Rate(1000, 1000))
NOBODY = CallerRules((), (), None)  # so that everybody is a stranger


class Echo:
    """Answers with what came. ``before`` is awaited first, as work is."""

    def __init__(self, path: str, wanted: Wanted, *verbs: str) -> None:
        self.path = path
        self.wanted = wanted
        self.verbs = verbs
        self.calls: list[Call] = []
        self.before: asyncio.Event | None = None

    async def answer(self, call: Call) -> Fields:
        self.calls.append(call)
        if self.before is not None:
            await self.before.wait()
        return {
            "sizes": [len(part) for part in call.parts],
            "raw": call.body.decode("latin-1"),
            "user": call.caller.user,
            "query": dict(call.query),
            "texts": dict(call.texts),
            "came": list(call.came),
        }


@dataclass(frozen=True)
class Reply:
    """An HTTP response as it was read."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.body)
        return answer


@dataclass
class Connected:
    """A client's connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> Reply:
        """Read the next response. Raises IncompleteReadError if the server has closed."""
        async with asyncio.timeout(10):
            return await self._reply()

    async def _reply(self) -> Reply:
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        headers = {name.lower(): value for name, _, value in pairs}
        code = int(first.split()[1])
        size = 0 if code == 100 else int(headers["content-length"])
        return Reply(code, headers, await self.reader.readexactly(size))

    async def call(self, verb: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """Send one request and read its response."""
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join([f"{verb} {path} HTTP/1.1", "Host: example.uz", *lines, "", ""])
        await self.send(head.encode("latin-1") + body)
        return await self.reply()

    async def is_closed(self) -> bool:
        """Tell whether the server closes without another byte."""
        async with asyncio.timeout(10):
            return await self.reader.read(1) == b""


@dataclass
class Running:
    """A server that runs."""

    server: RestServer
    port: int
    metrics: Metrics
    memory_full: bool = False
    stopping: bool = False
    clients: list[Connected] = field(default_factory=list)

    async def connect(self) -> Connected:
        client = Connected(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        return client

    async def call(self, verb: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """Send one request on its own connection."""
        return await (await self.connect()).call(verb, path, body, **headers)


async def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    methods: Iterable[Method],
    *,
    rules: CallerRules = RULES,
    body_limit: int = 1024 * 1024,
    memory: int = 64 * 1024 * 1024,
    connections: int = 100,
) -> AsyncIterator[Running]:
    """Run a server with these methods on a port of the loopback."""
    metrics = Metrics()
    callers = Callers(rules, asyncio.get_running_loop().time)
    handler = Handler(
        routes=Routes(methods),
        callers=callers,
        memory=BodyMemory(memory),
        metrics=RestMetrics(metrics),
        body_limit=body_limit,
        memory_full=lambda: run.memory_full,
        stopping=lambda: run.stopping,
    )
    server = RestServer(handler, connections, callers.is_strange)
    listening = bound_socket("127.0.0.1", 0, shared=False)
    run = Running(server, listening.getsockname()[1], metrics)
    await server.start(listening)
    try:
        yield run
    finally:
        await server.stop_accepting()
        await server.close()
        for client in run.clients:
            client.writer.close()
