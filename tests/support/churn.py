"""Thousands of short tunnels through a relay, as a process of its own, for a crash ends it.

Without cryptography: both sides of each relay are plain sockets. The relays run on uvloop, as in
production, the clients and the server on asyncio's own loop in another thread. Every ending has
its share: either side first, both at once, a reset, a stop from inside. What is left is printed
as JSON.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from itertools import count
from threading import Thread
from typing import Any, TypeVar

import uvloop

from tests.support.processes import LOOPBACK, open_sockets, wait_until
from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import DestinationUnreachableError, ShuttingDownError
from tunnel_gateway.transport.streams.listener import Listener
from tunnel_gateway.transport.streams.relay import Relay, RelayLimits
from tunnel_gateway.transport.streams.stream import SocketStream

AT_ONCE = 64
ENDINGS = ("client", "server", "both", "reset")
STOPPED = 5  # one relay of so many
MESSAGE = bytes(3000)
RESET = struct.pack("ii", 1, 0)

T = TypeVar("T")


class Relays:
    """The relays, in front of the server at ``port``."""

    def __init__(self, port: int) -> None:
        self.reasons: Counter[str] = Counter()
        self._port = port
        self._numbers = count()
        self._tasks: set[asyncio.Task[None]] = set()
        self.listener = Listener(LOOPBACK, 0, on_connection=self._start, on_failure=print)

    async def wait(self) -> None:
        """Wait until all have ended."""
        await self.listener.close()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, stream: SocketStream) -> None:
        task = asyncio.create_task(self._join(stream, next(self._numbers)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, stream: SocketStream, number: int) -> None:
        loop = asyncio.get_running_loop()
        _, other = await loop.create_connection(SocketStream, LOOPBACK, self._port)
        relay = Relay(
            stream,
            other,
            RelayLimits(60.0, 60.0),
            socket_lost=EndReason.DESTINATION_LOST,
            on_socket_lost=DestinationUnreachableError("the destination broke off"),
        )
        if number % STOPPED == 0:
            loop.call_soon(relay.stop, ShuttingDownError("stop"))
        end = await relay.run(stream.inbox, other.inbox)
        self.reasons[end.reason] += 1
        await stream.wait_closed()
        await other.wait_closed()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The server: do as the client's first line says."""
    with suppress(OSError):
        ending = (await reader.readline()).decode().strip()
        writer.write(MESSAGE)
        if ending in ("server", "both"):
            writer.write_eof()
        await reader.read()
    writer.close()


async def talk(port: int, ending: str) -> None:
    """A client."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    with suppress(OSError, asyncio.IncompleteReadError):
        writer.write(ending.encode() + b"\n" + MESSAGE)
        if ending in ("client", "both"):
            writer.write_eof()
        await reader.readexactly(len(MESSAGE))
        if ending == "reset":
            plain = writer.get_extra_info("socket")
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def churn(port: int, number: int) -> None:
    """So many clients, AT_ONCE at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(ending: str) -> None:
        async with places:
            await talk(port, ending)

    await asyncio.gather(*(one(ENDINGS[n % len(ENDINGS)]) for n in range(number)))


async def relay(plain: asyncio.AbstractEventLoop, number: int) -> dict[str, object]:
    """Run it all; ``plain`` is the other thread's loop."""

    async def there(doing: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(doing, plain))

    server = await there(asyncio.start_server(serve, LOOPBACK, 0, backlog=1024))
    before = open_sockets("self")
    relays = Relays(server.sockets[0].getsockname()[1])
    await there(churn(relays.listener.port, number))
    await relays.wait()
    with suppress(AssertionError):  # the server's side closes a little later, or is counted
        await asyncio.to_thread(
            wait_until, lambda: open_sockets("self") <= before, "every socket closed", 5
        )
    tasks = len(asyncio.all_tasks()) - 1
    return {"reasons": relays.reasons, "tasks": tasks, "sockets": open_sockets("self") - before}


def main(number: int) -> None:
    """Print what is left as JSON."""
    plain = asyncio.SelectorEventLoop()
    thread = Thread(target=plain.run_forever)
    thread.start()
    left = uvloop.run(relay(plain, number))
    plain.call_soon_threadsafe(plain.stop)
    thread.join()
    print(json.dumps(left), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
