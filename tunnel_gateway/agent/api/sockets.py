"""The sockets of the API: ws and wss on the loopback. Some requests are refused before any call."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from functools import partial
from http import HTTPStatus
from typing import Any, Final, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, ProtocolError
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import LoggerLike

from tunnel_gateway.agent.api.dispatch import Dispatcher, failure
from tunnel_gateway.agent.api.origins import caller_of, is_local
from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.documents.pkcs7_functions import MAX_DOCUMENT_SIZE
from tunnel_gateway.agent.neighbour import is_of_another_user
from tunnel_gateway.agent.pages.oneshot import LOOPBACK
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.kept_errors import let_go
from tunnel_gateway.observability.few_lines import FewLines
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.wire.upgrade import HeadReader, reason_of

log = get_logger(__name__)

PATH: Final = "/service/cryptapi"

# The size of a call without a document: a list of API-KEYs, the chain of a certificate.
SMALL_CALL: Final = 64 * 1024
# The size of a call with the largest document that is signed, in BASE64.
LARGE_CALL: Final = (MAX_DOCUMENT_SIZE + 2) // 3 * 4 + SMALL_CALL

MAX_CONNECTIONS: Final = 128
MAX_SOCKETS_OF_ONE: Final = 16
REQUEST_SECONDS: Final = 10.0  # to ask for the WebSocket; a laptop that just wakes up is slow
SILENCE_SECONDS: Final = 60.0  # without a call, or without reading its answer
# Browsers send no pings. Each ping makes a pong, which stays in memory if the peer does not read.
MAX_PINGS: Final = 100
CLOSE_SECONDS: Final = 2.0


Callers = Counter[Caller | None]


class _PageProtocol(ServerProtocol):
    """Limits the request's head and the pings, and closes with 1000 if the page gave no code.

    The vendor's page script closes without a code, and takes every code except 1000 as a failure.
    The usual answer to such a close would give it 1005.
    """

    pings = 0  # since the last message began

    def __init__(self, logger: LoggerLike | None) -> None:
        super().__init__(max_size=SMALL_CALL, logger=logger)
        # One limit for the whole head instead of the library's 8 KiB for each line: a browser sends
        # the cookies of all programs on this machine.
        self.reader = HeadReader()
        self.parser = self.parse()
        next(self.parser)

    def recv_frame(self, frame: Frame) -> None:
        """Take a frame. Raises ProtocolError; the library turns it into a close frame."""
        self.pings = self.pings + 1 if frame.opcode is Opcode.PING else 0
        if self.pings > MAX_PINGS:
            raise ProtocolError("too many pings")
        if frame.opcode is Opcode.CLOSE and not frame.data:
            frame = Frame(Opcode.CLOSE, Close(CloseCode.NORMAL_CLOSURE, "").serialize())
        super().recv_frame(frame)


class _PageConnection(ServerConnection):
    """A connection of a page; ``caller`` is set when the request has been read."""

    def __init__(
        self, connections: _Connections, protocol: ServerProtocol, server: Server, **options: Any
    ) -> None:
        super().__init__(_PageProtocol(protocol.logger), server, **options)
        self._connections = connections
        self.caller: Caller | None = None
        self.busy = False  # while a call is answered
        self._silent = True
        self._leaving: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve the connection, unless there are too many."""
        super().connection_made(transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes. After our close frame the page has a short time, even if it sends more."""
        self._silent = False
        super().data_received(data)
        if self._leaving is None and self.protocol.close_expected():
            self._leaving = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the socket. The library alone would wait for ever for a peer that does not read."""
        try:
            async with asyncio.timeout(2 * CLOSE_SECONDS):
                await super().close(code, reason)
        except TimeoutError:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let another connection in, and log why this one got no WebSocket."""
        self._connections.remove(self)
        super().connection_lost(exc)
        fault = self.protocol.handshake_exc
        if fault is not None:
            # Browsers open connections before they need them, and send nothing on them.
            if not self._silent:
                # The text of the library's error would have parts of the request in it.
                cause = f" ({reason_of(fault.__cause__)})" if fault.__cause__ else ""
                self._connections.log_refusal(detail=reason_of(fault) + cause)
            let_go(fault)

    def allow_documents(self) -> None:
        """Take large calls from now on."""
        self.protocol.max_message_size = LARGE_CALL


class _Connections:
    """The connections of one port, the oldest first, at most MAX_CONNECTIONS.

    Any page can open sockets and keep them. So a new connection is not refused; an old one must go.
    This is the oldest connection of a page without an API-KEY, else the oldest one without a call.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._present: dict[_PageConnection, None] = {}
        self._lines = FewLines()

    def add(self, new: _PageConnection) -> None:
        """Add a connection, and end another one if there are too many."""
        self._present[new] = None
        if len(self._present) > MAX_CONNECTIONS:
            leaving = self._choose_leaving(new)
            self.remove(leaving)
            leaving.transport.abort()

    def log_refusal(self, **facts: str) -> None:
        """Log why a connection got no WebSocket, unless there are too many such lines."""
        if (more := self._lines.admit()) is not None:
            log.warning("request_refused", **facts, **more)

    def remove(self, gone: _PageConnection) -> None:
        """Forget a connection."""
        self._present.pop(gone, None)

    def _choose_leaving(self, new: _PageConnection) -> _PageConnection:
        """Return the connection that must go: the new one only if all others are busy."""
        old = [connection for connection in self._present if connection is not new]
        unknown = (each for each in old if not self._dispatcher.is_open_to(each.caller))
        idle = (each for each in old if not each.busy)
        return next(unknown, None) or next(idle, new)


class Listener:
    """The API on one port; ``port`` 0 is any free port. With a ``context`` it speaks TLS.

    ``callers`` counts the sockets of each page, for all ports that share it.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        port: int,
        context: ssl.SSLContext | None = None,
        callers: Callers | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._wanted = port
        self._context = context
        self._connections = _Connections(dispatcher)
        self._callers: Callers = Counter() if callers is None else callers
        self._server: Server

    async def start(self) -> int:
        """Listen; returns the port. Raises CannotListenError."""
        connection = partial(_PageConnection, self._connections)
        try:
            self._server = await serve(
                self._handle,
                LOOPBACK,
                self._wanted,
                process_request=self._check,
                create_connection=cast("type[ServerConnection]", connection),  # serve only calls it
                compression=None,
                server_header=None,
                open_timeout=REQUEST_SECONDS,
                close_timeout=CLOSE_SECONDS,
                ping_interval=None,
                max_queue=1,
                ssl=self._context,
            )
        except OSError as error:
            raise CannotListenError(
                f"cannot listen on {LOOPBACK}:{self._wanted} ({error.strerror}): E-IMZO or another"
                " agent may be running"
            ) from None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def leave(self) -> None:
        """Stop listening, and wait until the last page has closed its socket."""
        self._server.close(close_connections=False)
        await self._server.wait_closed()

    async def close(self) -> None:
        """Close every socket with 1001, going away, and stop listening."""
        why = (CloseCode.GOING_AWAY, "the agent is stopping")
        self._server.close(code=why[0], reason=why[1])
        # After `leave`, the server does not close the sockets.
        await asyncio.gather(*(socket.close(*why) for socket in self._server.connections))
        await self._server.wait_closed()

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse a request that no page in a browser of this machine sends."""
        local = connection.local_address  # None if the client has gone meanwhile
        if local is None or is_of_another_user(connection.remote_address, local[1]):
            text = "This agent serves another user of this machine"
            self._connections.log_refusal(detail=text)
            return connection.respond(HTTPStatus.FORBIDDEN, f"{text}\n")
        hosts = request.headers.get_all("Host")
        if not is_local(hosts):
            text = "The Host header is not this machine"
            self._connections.log_refusal(detail=text, host=", ".join(hosts)[:100])
            return connection.respond(HTTPStatus.FORBIDDEN, f"{text}\n")
        if request.path != PATH:
            text = f"The service is at {PATH}"
            self._connections.log_refusal(detail=text, path=request.path[:100])
            return connection.respond(HTTPStatus.NOT_FOUND, f"{text}\n")
        if isinstance(connection, _PageConnection):
            connection.caller = caller_of(request.headers.get_all("Origin"))
            if self._dispatcher.is_open_to(connection.caller):
                connection.allow_documents()
        return None

    async def _handle(self, connection: ServerConnection) -> None:
        if not isinstance(connection, _PageConnection):
            raise TypeError("not a connection of this listener")
        caller = connection.caller
        self._callers[caller] += 1
        try:
            await self._serve(connection)
        finally:
            self._callers[caller] -= 1
            if not self._callers[caller]:
                del self._callers[caller]

    async def _serve(self, connection: _PageConnection) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(SILENCE_SECONDS) as silence:
                if self._callers[connection.caller] > MAX_SOCKETS_OF_ONE:
                    silence.reschedule(loop.time() + REQUEST_SECONDS)
                    await connection.recv()
                    error = refused("too_many_sockets", limit=MAX_SOCKETS_OF_ONE)
                    await connection.send(failure(error))
                    return
                while True:
                    message = await connection.recv()
                    silence.reschedule(None)
                    connection.busy = True
                    answer = await self._answer(connection, message)
                    del message  # it can be 64 MB, and the answer may wait for a slow page
                    if answer is None:
                        return
                    silence.reschedule(loop.time() + SILENCE_SECONDS)
                    await connection.send(answer)
                    connection.busy = False
        except ConnectionClosed:  # the page has left, which is not a fault
            pass
        except TimeoutError:
            await connection.close(CloseCode.NORMAL_CLOSURE, "no call came")

    async def _answer(self, connection: _PageConnection, message: str | bytes) -> str | None:
        """Return the answer to a call; None if the page has left, which also ends the call."""
        answering = asyncio.create_task(self._dispatcher.answer(connection.caller, message))
        leaving = asyncio.create_task(connection.wait_closed())
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            answered = answering.done()
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
        if self._dispatcher.is_open_to(connection.caller):
            connection.allow_documents()
        try:
            return answering.result() if answered else None
        finally:
            del answering, leaving, task  # else this frame keeps its own error, which is a cycle
