"""The local address of a tunnel: good for exactly one connection, and not for long."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from tunnel_gateway.errors import (
    AlertReceivedError,
    ProtocolViolationError,
    TimedOutError,
    TruncatedError,
)
from tunnel_gateway.transport.inbox import Inbox
from tunnel_gateway.transport.relay import RelayEnd
from tunnel_gateway.transport.stream import SocketStream, format_address

LOOPBACK: Final = "127.0.0.1"
DEFAULT_SECONDS: Final = 60.0

# What a page's WebSocket sees when the gateway refuses it: the alert as an HTTP answer.
_STATUS: Final = {
    "not_permitted": "403 Forbidden",
    "not_websocket": "400 Bad Request",
    "timed_out": "504 Gateway Timeout",
    "overloaded": "503 Service Unavailable",
    "shutting_down": "503 Service Unavailable",
}


class OneShotAddress:
    """Listens on a free loopback port until the one connection has come."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.bind((LOOPBACK, 0))
        self._socket.listen(1)

    def __str__(self) -> str:
        return format_address(self._socket.getsockname())

    async def accept(self, inbox: Inbox, time_limit: float) -> SocketStream:
        """Return the one connection; a second is refused by the system from then on.

        ``inbox`` is the tunnel's: if the tunnel ends meanwhile, this raises why. Raises
        TimedOutError after ``time_limit`` seconds without a connection.
        """
        loop = asyncio.get_running_loop()
        accepted = asyncio.create_task(loop.sock_accept(self._socket))
        ended = asyncio.create_task(inbox.receive())
        try:
            await asyncio.wait(
                (accepted, ended), timeout=time_limit, return_when=asyncio.FIRST_COMPLETED
            )
            if accepted.done():
                connection, _ = accepted.result()
            elif ended.done():
                if ended.result():
                    raise ProtocolViolationError("the gateway sent data before the page's request")
                raise TruncatedError("the gateway closed the tunnel before the page connected")
            else:
                raise TimedOutError(f"nobody connected to {self} in {time_limit:g} s")
        finally:
            accepted.cancel()
            ended.cancel()
            await asyncio.gather(accepted, ended, return_exceptions=True)
            self._socket.close()
        _, stream = await loop.connect_accepted_socket(SocketStream, connection)
        return stream


def refusal(end: RelayEnd) -> bytes:
    """Return the HTTP answer that tells a page why its WebSocket was not let through."""
    error = end.error
    name = error.name if isinstance(error, AlertReceivedError) else end.reason
    text = f"{name}: {error}\n" if error else f"{name}\n"
    body = text.encode()
    status = _STATUS.get(name, "502 Bad Gateway")
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
