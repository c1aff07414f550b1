"""The application behind the gateway, on a real ``websockets`` server, as a process of its own.

It echoes what it gets; text messages that begin with a slash are commands::

    /send COUNT SIZE      so many binary messages of so many bytes
    /fragments SIZE N     one binary message of N fragments
    /count                how many bytes the binary messages since the last /count had
    /sink                 echo no more binary messages
    /request              path and headers of the upgrade request, as JSON
    /close CODE REASON    close
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

SUBPROTOCOL = Subprotocol("chat.example.uz")
MAX_MESSAGE = 64 * 1024 * 1024


class Conversation:
    """One connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._sink = False
        self._count = 0

    async def run(self) -> None:
        async for message in self._connection:
            if isinstance(message, str) and message.startswith("/"):
                await self._obey(*message[1:].split(" ", 2))
                continue
            self._count += len(message)
            if not self._sink:
                await self._connection.send(message)

    async def _obey(self, command: str, first: str = "", second: str = "") -> None:
        send = self._connection.send
        if command == "send":
            block = bytes(int(second))
            for _ in range(int(first)):
                await send(block)
        elif command == "fragments":
            await send(self._fragments(int(first), int(second)))
        elif command == "count":
            await send(str(self._count))
            self._count = 0
        elif command == "sink":
            self._sink = True
        elif command == "request" and self._connection.request is not None:
            request = self._connection.request
            await send(json.dumps([request.path, list(request.headers.raw_items())]))
        elif command == "close":
            await self._connection.close(int(first), second)

    @staticmethod
    async def _fragments(size: int, count: int) -> AsyncIterator[bytes]:
        for number in range(count):
            yield bytes((number % 256,)) * size


async def main() -> None:
    async with serve(
        lambda connection: Conversation(connection).run(),
        "127.0.0.1",
        0,
        max_size=MAX_MESSAGE,
        select_subprotocol=lambda _, offered: SUBPROTOCOL if SUBPROTOCOL in offered else None,
        ping_interval=None,
    ) as server:
        print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)  # noqa: T201
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
