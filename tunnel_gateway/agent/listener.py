"""The service's sockets: ws and wss on the loopback, and what is refused before a call is read."""

from __future__ import annotations

import asyncio
import ssl
from http import HTTPStatus
from typing import Any, Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.key_functions import MAX_DOCUMENT_SIZE
from tunnel_gateway.agent.oneshot import LOOPBACK
from tunnel_gateway.agent.origins import caller_of, is_local
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.agent.service import Service, failure
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.observability.logs import get_logger

log = get_logger(__name__)

PATH: Final = "/service/cryptapi"

# A call without a document: a list of API-KEYs, the chain of a certificate.
SMALL_CALL: Final = 64 * 1024
# A call with the largest document that is signed, in BASE64.
LARGE_CALL: Final = (MAX_DOCUMENT_SIZE + 2) // 3 * 4 + SMALL_CALL

MAX_CONNECTIONS: Final = 128
MAX_SOCKETS_OF_ONE: Final = 16
REQUEST_SECONDS: Final = 5.0  # to ask for the WebSocket
SILENCE_SECONDS: Final = 60.0  # without a call
_CLOSE_SECONDS: Final = 2.0


class _PageProtocol(ServerProtocol):
    """Answers a close frame without a code with 1000, normal closure.

    The vendor's page script closes without a code and takes any code but 1000 for a failure; an
    echo, as is the rule, would tell it 1005.
    """

    def recv_frame(self, frame: Frame) -> None:
        """Take a frame."""
        if frame.opcode is Opcode.CLOSE and not frame.data:
            frame = Frame(Opcode.CLOSE, Close(CloseCode.NORMAL_CLOSURE, "").serialize())
        super().recv_frame(frame)


class _PageConnection(ServerConnection):
    """A page's connection and who it is, once its request was read."""

    def __init__(self, protocol: ServerProtocol, server: Server, **options: Any) -> None:
        own = _PageProtocol(max_size=SMALL_CALL, logger=protocol.logger)
        super().__init__(own, server, **options)
        self.caller: Caller | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve it, unless there are too many."""
        super().connection_made(transport)
        if len(self.server.handler_tasks) > MAX_CONNECTIONS:
            self.transport.abort()

    def allow_documents(self) -> None:
        """Take large calls from now on."""
        self.protocol.max_message_size = LARGE_CALL


class Listener:
    """The service on one port; ``port`` 0 is a free one. With a ``context`` it speaks TLS."""

    def __init__(self, service: Service, port: int, context: ssl.SSLContext | None = None) -> None:
        self._service = service
        self._wanted = port
        self._context = context
        self._server: Server

    async def start(self) -> int:
        """Listen; returns the port. Raises CannotListenError."""
        try:
            self._server = await serve(
                self._handle,
                LOOPBACK,
                self._wanted,
                process_request=self._check,
                create_connection=_PageConnection,
                compression=None,
                server_header=None,
                open_timeout=REQUEST_SECONDS,
                close_timeout=_CLOSE_SECONDS,
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

    async def close(self) -> None:
        """Close every socket with 1001, going away, and stop listening."""
        self._server.close(code=CloseCode.GOING_AWAY, reason="the agent is stopping")
        await self._server.wait_closed()

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse what no page of this machine's browsers asks for."""
        if not is_local(request.headers.get_all("Host")):
            log.warning("host_refused", host=", ".join(request.headers.get_all("Host"))[:100])
            return connection.respond(HTTPStatus.FORBIDDEN, "The Host header is not this machine\n")
        if request.path != PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, f"The service is at {PATH}\n")
        if isinstance(connection, _PageConnection):
            connection.caller = caller_of(request.headers.get_all("Origin"))
            if self._service.opened(connection.caller):
                connection.allow_documents()
        return None

    async def _handle(self, connection: ServerConnection) -> None:
        if not isinstance(connection, _PageConnection):
            raise TypeError("not a connection of this listener")
        try:
            async with asyncio.timeout(SILENCE_SECONDS) as silence:
                if self._is_one_too_many(connection):
                    await connection.recv()
                    error = refused("too_many_sockets", limit=MAX_SOCKETS_OF_ONE)
                    await connection.send(failure(error))
                    return
                while True:
                    message = await connection.recv()
                    silence.reschedule(None)
                    answer = await self._answer(connection, message)
                    del message
                    if answer is None:
                        return
                    await connection.send(answer)
                    silence.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)
        except ConnectionClosed:
            pass
        except TimeoutError:
            await connection.close(CloseCode.NORMAL_CLOSURE, "no call came")

    def _is_one_too_many(self, connection: _PageConnection) -> bool:
        callers = [
            one.caller for one in self._server.all_connections if isinstance(one, _PageConnection)
        ]
        return callers.count(connection.caller) > MAX_SOCKETS_OF_ONE

    async def _answer(self, connection: _PageConnection, message: str | bytes) -> str | None:
        """Answer a call; None when the page left meanwhile, which ends the call too."""
        answering = asyncio.create_task(self._service.answer(connection.caller, message))
        leaving = asyncio.create_task(connection.wait_closed())
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            answered = answering.done()
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
        if self._service.opened(connection.caller):
            connection.allow_documents()
        return answering.result() if answered else None
