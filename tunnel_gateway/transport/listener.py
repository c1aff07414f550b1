"""The listening socket: accepts connections, and survives running out of descriptors."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial

from tunnel_gateway.observability.background import GoOn, keep_running
from tunnel_gateway.transport.handover import LEAVING_SECONDS, let_none_begin
from tunnel_gateway.transport.stream import SocketStream, format_address

BACKLOG = 1024
# When accept fails (no descriptors left, mostly) it is tried again, later and later.
_FIRST_DELAY_SECONDS = 0.005
_LAST_DELAY_SECONDS = 1.0


class Listener:
    """Accepts TCP connections on an address and hands each over as a SocketStream.

    ``on_connection`` takes the stream; ``on_failure`` takes the OSError of an accept that
    failed, at most once for each run of failures. With ``shared`` other listeners of this user
    may have the same address and port, and the system spreads the connections over them; closing
    leaves them to the others.

    ``passed`` is a socket that listens already and takes the place of address and port. Whoever
    made it has it too: closing ours leaves it open there, with those who wait in it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        on_connection: Callable[[SocketStream], None],
        on_failure: Callable[[OSError], None],
        shared: bool = False,
        passed: socket.socket | None = None,
    ) -> None:
        self._on_connection = on_connection
        self._on_failure = on_failure
        self._shared = shared and passed is None
        # Whether somebody else serves the port, or keeps who comes to it, once this is closed.
        self.replaced = shared or passed is not None
        self._socket = passed or _listen(host, port, shared=shared)
        self._delay = _FIRST_DELAY_SECONDS
        self._task = keep_running("accept", self._accept)

    @property
    def address(self) -> tuple[str, int]:
        """The address and port that are listened on."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    @property
    def port(self) -> int:
        """The port alone: of use when the configured one was 0."""
        return self.address[1]

    async def close(self) -> None:
        """Stop accepting; connections that were accepted go on.

        Takes LEAVING_SECONDS where others may listen on the port, so that they get the rest.
        """
        if self._shared and let_none_begin(self._socket):
            await asyncio.sleep(LEAVING_SECONDS)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._socket.close()

    async def _accept(self) -> None:
        """Accept one connection and hand it over."""
        loop = asyncio.get_running_loop()
        try:
            connection, address = await loop.sock_accept(self._socket)
        except OSError as error:
            if self._delay == _FIRST_DELAY_SECONDS:
                self._on_failure(error)
            await asyncio.sleep(self._delay)
            self._delay = min(2 * self._delay, _LAST_DELAY_SECONDS)
            return
        self._delay = _FIRST_DELAY_SECONDS
        try:
            # Who has reset it since has no address any more that could be asked for.
            _, stream = await loop.connect_accepted_socket(
                partial(SocketStream, address), connection
            )
        except OSError:
            connection.close()  # reset by the peer before we looked at it
            return
        with GoOn("accept"):
            self._on_connection(stream)
            return
        stream.close()


def _listen(host: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.setblocking(False)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        where = format_address((host, port))
        raise OSError(error.errno, f"cannot listen on {where}: {error.strerror}") from None
    return listening
