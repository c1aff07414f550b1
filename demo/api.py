"""The organisation's WebSocket API of the demonstration: it echoes, and knows its user.

Text and binary messages come back as they are; the text ``whoami`` is answered with a JSON
object of the identity headers that the gateway set. After the text ``receive N`` the next N bytes
do not come back: each message is answered with ``{"received": how many so far}``, the last one
with their SHA-256 too. Run it as ``python demo/api.py --port 8080``.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from urllib.parse import unquote

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.typing import Subprotocol

SUBPROTOCOL = Subprotocol("chat.example.uz")
MAX_MESSAGE = 64 * 1024 * 1024
RECEIVE = re.compile(r"receive ([0-9]{1,12})")


async def converse(connection: ServerConnection) -> None:
    """Answer one connection's messages, each once, until it closes."""
    async for message in connection:
        if message == "whoami":
            await connection.send(identity(connection))
        elif isinstance(message, str) and (asked := RECEIVE.fullmatch(message)):
            await receive(connection, int(asked[1]))
        else:
            await connection.send(message)


async def receive(connection: ServerConnection, size: int) -> None:
    """Take a file of ``size`` bytes; say after each message how much of it is here."""
    digest = hashlib.sha256()
    received = 0
    await connection.send(report(received, digest.hexdigest() if size == 0 else None))
    while received < size:
        message = await connection.recv(decode=False)
        received += len(message)
        digest.update(message)
        await connection.send(report(received, digest.hexdigest() if received >= size else None))


def report(received: int, sha256: str | None) -> str:
    """Return the answer to a piece of a file."""
    return json.dumps({"received": received} | ({"sha256": sha256} if sha256 else {}))


def identity(connection: ServerConnection) -> str:
    """Return what the gateway says of the user, decoded, as JSON."""
    headers = connection.request.headers if connection.request else Headers()
    return json.dumps(
        {
            name: unquote(value)
            for name, value in headers.raw_items()
            if name.startswith("X-EIMZO-") or name == "X-Forwarded-For"
        },
        ensure_ascii=False,
    )


def choose_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Speak SUBPROTOCOL with a page that offers it, and none with others."""
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


async def main() -> None:
    """Serve on loopback until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    port = parser.parse_args().port
    async with serve(
        converse,
        "127.0.0.1",
        port,
        max_size=MAX_MESSAGE,
        select_subprotocol=choose_subprotocol,
    ) as server:
        address = server.sockets[0].getsockname()
        print(json.dumps({"address": f"{address[0]}:{address[1]}"}), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except OSError as error:
        sys.exit(f"{error.strerror}; end what listens there and try again")
