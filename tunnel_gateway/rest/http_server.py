"""The sockets of the REST service: connections and the bounds on them, from accept to drain."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Final, cast

from aiohttp import web

from tunnel_gateway.kept_errors import let_go
from tunnel_gateway.limits.sources import source_of
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.rest.answers import refused
from tunnel_gateway.rest.handling import Handler
from tunnel_gateway.rest.languages import DEFAULT
from tunnel_gateway.rest.responses import headers_of
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.transport.streams.listener import BACKLOG

# A head must be complete so long after its first byte. The first head of a connection must be
# complete so long after the connection was made.
HEAD_SECONDS: Final = 10.0
# A connection without a call stays open so long, and not so long if there are many.
IDLE_SECONDS: Final = 75.0
_IDLE_WHEN_BUSY_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 1.0
# The first line of a request, and each of its headers, may have so many bytes.
MAX_LINE: Final = 8190
MAX_HEADERS: Final = 64
# A whole head may have so many bytes. It is kept until it is complete, for each connection.
MAX_HEAD: Final = 128 * 1024
_LINE_END: Final = "\r\n"
_NEVER: Final = 86_400.0
# Connections without the end of a call are cut off so long after the drain.
_CUT_SECONDS: Final = 1.0
# One stranger may have this part of all connections: an IPv4 address, or a /64 network of IPv6.
_STRANGERS_PART: Final = 8


def _closing(refusal: Refusal) -> bytes:
    """Return a whole answer to a connection that has no readable request, and ends now."""
    answer = refused(refusal, DEFAULT)
    body = b"".join(answer.pieces())
    head = (
        f"HTTP/1.1 {answer.code} {HTTPStatus(answer.code).phrase}\r\n"
        f"{''.join(f'{name}: {value}' + _LINE_END for name, value in headers_of(answer).items())}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


_FULL: Final = _closing(
    Refusal(Reason.OVERLOADED, "there are too many connections, see listen.limit")
)
_SLOW_HEAD: Final = _closing(
    Refusal(Reason.TOO_SLOW, f"the head of a request must come within {HEAD_SECONDS:g} s")
)
_LARGE_HEAD: Final = _closing(
    Refusal(Reason.HEAD_TOO_LARGE, f"a head may have {MAX_HEAD // 1024} KiB")
)


class RestServer:
    """Takes connections from a listening socket and gives their requests to ``handler``.

    ``limit`` is how many connections there may be. ``is_stranger`` tells of an address whether only
    a part of them is for it.
    """

    def __init__(self, handler: Handler, limit: int, is_stranger: Callable[[str], bool]) -> None:
        self.handler = handler
        self.limit = limit
        self._is_stranger = is_stranger
        self._connections: set[Connection] = set()
        self._strangers: Counter[str] = Counter()
        self._http: web.Server
        self._listening: asyncio.Server | None = None
        self._looking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._connections)

    async def start(self, listening: socket.socket) -> None:
        """Accept from now on."""
        loop = asyncio.get_running_loop()
        self._http = web.Server(self._answer)
        self._listening = await loop.create_server(
            lambda: Connection(self, self._http, loop), sock=listening, backlog=BACKLOG
        )
        self._looking = keep_running("rest_connections", self._look)

    async def stop_accepting(self) -> None:
        """Close the listening socket; connections go on until their call has ended."""
        if self._listening is not None:
            self._listening.close()
        self._close_idle(0)

    async def drain(self, seconds: float) -> bool:
        """Wait until all calls have ended, and tell whether they did within ``seconds``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.handler.quiet.wait()
        return not self.handler.in_progress

    async def close(self) -> None:
        """Cut off what is left."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
            await self._http.shutdown(_CUT_SECONDS)

    def samples(self) -> Iterator[Sample]:
        """Yield what is there now, as metrics."""
        handler = self.handler
        yield "tunnel_gateway_rest_connections", (), len(self)
        yield "tunnel_gateway_rest_calls_in_progress", (), handler.in_progress
        yield "tunnel_gateway_rest_body_memory_bytes", (), handler.memory.held

    # --- connections -----------------------------------------------------------------------

    def admit(self, connection: Connection) -> bool:
        """Tell whether there is room for one more connection, and count it."""
        stranger = self._is_stranger(connection.source)
        source = source_of(connection.source)
        if len(self._connections) >= self.limit or (
            stranger and self._strangers[source] >= max(1, self.limit // _STRANGERS_PART)
        ):
            return False
        self._connections.add(connection)
        if stranger:
            self._strangers[source] += 1
            connection.counted = True
        return True

    def forget(self, connection: Connection) -> None:
        """Give the room of a connection back."""
        self._connections.discard(connection)
        if connection.counted:
            connection.counted = False
            source = source_of(connection.source)
            self._strangers[source] -= 1
            if not self._strangers[source]:
                del self._strangers[source]

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, Connection)  # noqa: S101 (the only class that `start` makes)
        connection.begin_call()
        try:
            return await self.handler.answer(request)
        finally:
            connection.end_call()

    async def _look(self) -> None:
        """Close the connections that are too slow, once a second."""
        await asyncio.sleep(_LOOK_SECONDS)
        busy = len(self._connections) > self.limit // 2
        self._close_idle(_IDLE_WHEN_BUSY_SECONDS if busy else IDLE_SECONDS)

    def _close_idle(self, seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self._connections):
            connection.close_if_slow(now, seconds)


class Connection(web.RequestHandler):
    """The library's connection with our bounds, and our answers to unreadable requests."""

    def __init__(
        self, server: RestServer, http: web.Server, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(
            http,
            loop=loop,
            access_log=None,  # type: ignore[arg-type] # as the library's runner says it
            keepalive_timeout=_NEVER,  # `_look` closes idle connections
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_HEADERS,
            auto_decompress=False,
        )
        self.source = "unknown"
        self.counted = False
        self._rest = server
        self._clock = loop.time
        self.received = 0  # bytes since the last head was complete, or the last call ended
        self._calls = 0  # how many are answered now, or were read and wait
        self._since = loop.time()  # when the last call ended, or the connection was made
        # When the head began that is not complete. The first one begins with the connection.
        self._head_since: float | None = self._since
        self._has_head = False  # whether a byte of it has come

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or say that there are too many."""
        tcp = cast("asyncio.Transport", transport)
        name = tcp.get_extra_info("peername")
        self.source = name[0] if isinstance(name, tuple) else "unknown"
        if self._rest.admit(self):
            super().connection_made(transport)
        else:
            tcp.write(_FULL)
            tcp.close()
            self._force_close = True

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the room back."""
        self._rest.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note when a head begins, and how much has come."""
        self.received += len(data)
        # Otherwise it may be the rest of a body that nobody wants: its call is answered already.
        if not self._calls and (self._waits_for_head() or self._head_since is not None):
            self._has_head = True
            if self._head_since is None:
                self._head_since = self._clock()
        super().data_received(data)
        if self.received > MAX_HEAD and self._waits_for_head() and self.transport is not None:
            self.transport.write(_LARGE_HEAD)
            self.force_close()

    def _waits_for_head(self) -> bool:
        """Tell whether the library waits for a request, of which a part may have come."""
        return self._waiter is not None and not self._waiter.done()

    def begin_call(self) -> None:
        """Note that a head is complete."""
        self._calls += 1
        self.received = 0
        self._head_since = None
        self._has_head = False

    def end_call(self) -> None:
        """Note that a call has ended."""
        self._calls -= 1
        self.received = 0
        self._since = self._clock()

    def close_if_slow(self, now: float, idle_seconds: float) -> None:
        """Close the connection if a head takes too long, or if no call has come for so long."""
        if self._calls or self.transport is None:
            return
        if self._head_since is not None and now - self._head_since > HEAD_SECONDS:
            if self._has_head:
                self.transport.write(_SLOW_HEAD)
            self.force_close()
        elif now - self._since > idle_seconds and not self._has_head:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,  # noqa: ARG002 - the names are the library's
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Answer a request that cannot be read. Any other error is a mistake of this program."""
        response = self._rest.handler.answer_unreadable(request, exc)
        if exc is not None:
            let_go(exc)  # one of its frames holds the error itself
        return response
