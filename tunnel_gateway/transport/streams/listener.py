"""The listening socket: accepts connections, and survives running out of descriptors."""

from __future__ import annotations

import asyncio
import select
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from tunnel_gateway.observability.background import GoOn, keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.streams.accepting import accept
from tunnel_gateway.transport.streams.stream import SocketStream, configure_socket, format_address
from tunnel_gateway.transport.system import handover

# Connections that come while the loop is busy wait here. The system cuts it to net.core.somaxconn.
BACKLOG = 1024

log = get_logger(__name__)

# When accept fails, mostly because no descriptors are left, the next try is later each time.
_FIRST_DELAY_SECONDS = 0.005
LAST_DELAY_SECONDS = 1.0
# To find our index among the sockets that listen on a port; they may be many, and busy.
_FIND_SECONDS = 3.0
# So often a listener that leaves looks whether others have joined or left.
_LOOKS = 10
# Whether connections have the options of the listening socket: those of socket(7) and tcp(7).
_INHERITED: Final = sys.platform == "linux"
# It looks at its queue again after so long.
_QUEUE_SECONDS = 0.005


class Listener:
    """Accepts TCP connections on an address and hands each over as a SocketStream.

    ``on_connection`` takes the stream; ``on_failure`` takes the OSError of an accept that
    failed, at most once for each run of failures. With ``shared`` other listeners of this user
    may have the same address and port, and the system spreads the connections over them; closing
    leaves them to the others.

    ``passed`` is a socket that listens already; address and port are not used then. The process
    that made it still has it: closing ours leaves it open there, with the clients that wait in it.
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
        # Whether another process serves the port, or keeps its new connections, after the close.
        self.replaced = shared or passed is not None
        self._socket = passed or _listen(host, port, shared=shared)
        configure_socket(self._socket)
        self._delay = _FIRST_DELAY_SECONDS
        self._probes: dict[tuple[str, int], int] = {}  # ours, and the index that each was meant for
        self._own_probe: asyncio.Future[int]  # the index of the probe that came here
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

        It takes half a second if others listen on the port, so that they get new connections.
        """
        if self._shared:
            try:
                await self._leave_to_others()
            except OSError as error:
                handover.pick_all(self._socket)
                detail = str(error) or "our index among the sockets was not known in time"
                log.warning("port_left_at_once", detail=detail)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._socket.close()

    async def _leave_to_others(self) -> None:
        """Send new connections to the others that listen, if any. Raises OSError if it fails."""
        while (count := handover.group_size(self._socket)) > 1:
            handover.pick_others(self._socket, await self._find_own_index(count), count)
            if await self._group_stays(count):
                await self._accept_the_rest()
                return

    async def _group_stays(self, count: int) -> bool:
        """Wait for connections that had begun; tell whether the same sockets listen all the time.

        A gateway that joins removes our program, and one that leaves gives others its index.
        """
        for _ in range(_LOOKS):
            await asyncio.sleep(handover.LEAVING_SECONDS / _LOOKS)
            if handover.group_size(self._socket) != count:
                return False
        return True

    async def _accept_the_rest(self) -> None:
        """Wait until nothing is in the queue: a busy machine may have given us no time for it."""
        queue = select.poll()
        queue.register(self._socket, select.POLLIN)
        async with asyncio.timeout(_FIND_SECONDS):
            while queue.poll(0):  # noqa: ASYNC110 (the accept task has no event for it)
                await asyncio.sleep(_QUEUE_SECONDS)

    async def _find_own_index(self, count: int) -> int:
        """Return our index among all ``count`` sockets that listen here. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._own_probe = loop.create_future()
        with ExitStack() as stack:
            async with asyncio.timeout(_FIND_SECONDS):
                for index in range(count):
                    probe = stack.enter_context(socket.socket(self._socket.family))
                    probe.setblocking(False)
                    probe.bind((_reachable(self.address[0]), 0))
                    self._probes[probe.getsockname()[:2]] = index
                    handover.pick(self._socket, index)
                    await loop.sock_connect(probe, (probe.getsockname()[0], self.port))
                return await self._own_probe

    async def _accept(self) -> None:
        """Accept one connection and hand it over."""
        try:
            connection, address = await accept(self._socket)
        except OSError as error:
            if self._delay == _FIRST_DELAY_SECONDS:
                self._on_failure(error)
            await asyncio.sleep(self._delay)
            self._delay = min(2 * self._delay, LAST_DELAY_SECONDS)
            return
        self._delay = _FIRST_DELAY_SECONDS
        if (index := self._probes.get(address[:2])) is not None:
            connection.close()
            if not self._own_probe.done():
                self._own_probe.set_result(index)
            return
        try:
            # If the peer has reset it meanwhile, the system no longer tells its address.
            stream = await SocketStream.of(connection, address, configured=_INHERITED)
        except OSError:  # reset by the peer before we looked at it
            return
        with GoOn("accept"):
            self._on_connection(stream)
            return
        stream.close()


def _reachable(host: str) -> str:
    """Return the address at which this machine reaches a socket that listens on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (nobody listens here)


def _listen(host: str, port: int, *, shared: bool) -> socket.socket:
    listening = bound_socket(host, port, shared=shared)
    try:
        listening.listen(BACKLOG)
        if shared:
            handover.pick_all(listening)
    except OSError as error:
        listening.close()
        raise _described(error, host, port) from None
    return listening


def bound_socket(host: str, port: int, *, shared: bool) -> socket.socket:
    """Return a socket that has the address and does not listen yet; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.setblocking(False)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise _described(error, host, port) from None
    return listening


def _described(error: OSError, host: str, port: int) -> OSError:
    where = format_address((host, port))
    return OSError(error.errno, f"cannot listen on {where}: {error.strerror}")
