"""The local address of a tunnel: it takes exactly one connection, within a limited time."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from tunnel_gateway.agent.pages.page_stream import PageStream
from tunnel_gateway.errors import ProtocolViolationError, TimedOutError, TruncatedError
from tunnel_gateway.transport.streams.accepting import accept
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.stream import format_address

LOOPBACK: Final = "127.0.0.1"
DEFAULT_SECONDS: Final = 60.0
_BACKLOG: Final = 128  # after the one connection, the system refuses the others


class OneShotAddress:
    """Listens on a free loopback port until the one connection has come."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.bind((LOOPBACK, 0))
        self._socket.listen(_BACKLOG)

    def __str__(self) -> str:
        return format_address(self._socket.getsockname())

    @property
    def port(self) -> int:
        """The port of the address."""
        port: int = self._socket.getsockname()[1]
        return port

    def close(self) -> None:
        """Stop listening. ``accept`` also does that, so this is needed only if it is not called."""
        self._socket.close()

    async def accept(self, inbox: Inbox, time_limit: float) -> PageStream:
        """Return the one connection. From then on the system refuses other connections.

        ``inbox`` belongs to the tunnel: if the tunnel ends meanwhile, this raises the reason.
        Raises TimedOutError after ``time_limit`` seconds without a connection.
        """
        accepted = asyncio.create_task(self._admit())
        ended = asyncio.create_task(inbox.receive())
        try:
            await asyncio.wait(
                (accepted, ended), timeout=time_limit, return_when=asyncio.FIRST_COMPLETED
            )
            if accepted.done():
                return accepted.result()
            if ended.done():
                if ended.result():
                    raise ProtocolViolationError("the gateway sent data before the page's request")
                raise TruncatedError("the gateway closed the tunnel before the page connected")
            raise TimedOutError(f"nobody connected to {self} in {time_limit:g} s")
        finally:
            accepted.cancel()
            ended.cancel()
            await asyncio.gather(accepted, ended, return_exceptions=True)
            self._socket.close()
            del accepted, ended  # else this frame keeps its own error, which is a cycle

    async def _admit(self) -> PageStream:
        """Wait for the one connection: the first that comes."""
        connection, _ = await accept(self._socket)
        return await PageStream.of(connection)
