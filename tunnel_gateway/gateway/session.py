"""One connection from its accept to its line in the log."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from tunnel_gateway.config_destinations import Destination
from tunnel_gateway.errors import (
    DestinationUnreachableError,
    NotPermittedError,
    NotWebSocketError,
    OverloadedError,
    TimedOutError,
    TruncatedError,
    TunnelGatewayError,
)
from tunnel_gateway.gateway.destinations import connect, find_destination
from tunnel_gateway.gateway.policy import check_permitted
from tunnel_gateway.gateway.service import Service
from tunnel_gateway.gateway.upgrade import (
    check_origin,
    forwarded_request,
    identity_headers,
    switched_protocols,
)
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.protocol.connection import Surroundings
from tunnel_gateway.protocol.events import ClientAuthenticated
from tunnel_gateway.protocol.server import ServerConnection
from tunnel_gateway.transport.channel import Channel
from tunnel_gateway.transport.inbox import Inbox
from tunnel_gateway.transport.relay import Relay, RelayEnd, RelayLimits
from tunnel_gateway.transport.stream import SocketStream
from tunnel_gateway.transport.upgrade import UpgradeReader, UpgradeRequest

log = get_logger(__name__)

# A destination that refuses the WebSocket may explain itself to the page, within bounds.
_REFUSAL_BYTES: Final = 64 * 1024
_REFUSAL_SECONDS: Final = 2.0


class Session:
    """One connection of a client. ``run`` serves it to its end and logs one line."""

    def __init__(self, service: Service, stream: SocketStream) -> None:
        self._service = service
        self._stream = stream
        self._started = asyncio.get_running_loop().time()
        self._connection = ServerConnection(
            service.settings,
            Surroundings(
                entropy=os.urandom,
                validation_time=datetime.now(UTC),
                deadline=self._started + service.config.handshake_timeout,
            ),
        )
        self._channel = Channel(stream, self._connection, service.workers)
        self._socket: SocketStream | None = None
        self._relay: Relay | None = None
        self._facts: dict[str, object] = {"client": stream.peer}
        self._task: asyncio.Task[object] | None = None
        self._stop_error: TunnelGatewayError | None = None
        self._ended = False

    async def run(self) -> None:
        """Serve the connection. Whatever happens is logged here and ends here."""
        self._task = asyncio.current_task()
        try:
            with self._service.admission.tunnel():
                self._log(await self._serve_to_end())
                # The place is taken as long as the descriptors are.
                await self._wait_closed()
        except OverloadedError as error:
            self._log(self._break_off(error))
            await self._wait_closed()

    def stop(self, error: TunnelGatewayError) -> None:
        """End the session now, wherever it is, and tell the client why."""
        if self._relay is not None:
            self._relay.stop(error)
        elif self._stop_error is None and not self._ended:
            self._stop_error = error
            if self._task is not None:  # else it ends as soon as it runs
                self._task.cancel()

    @property
    def open(self) -> bool:
        """Tell whether the tunnel carries a WebSocket connection by now."""
        return self._relay is not None

    # --- the way of a tunnel ---------------------------------------------------------------

    async def _serve_to_end(self) -> RelayEnd:
        try:
            return await self._serve()
        except TunnelGatewayError as error:
            return self._break_off(error)
        except OSError as error:
            return RelayEnd("peer_lost", error)
        except asyncio.CancelledError:
            if self._stop_error is None:
                raise
            return self._break_off(self._stop_error)
        except Exception:
            log.exception("internal_error", **self._facts)
            return self._break_off(TunnelGatewayError("internal error"))
        finally:
            self._close()

    async def _serve(self) -> RelayEnd:
        config = self._service.config
        self._check_stopped()
        with self._service.admission.handshake():
            client = await self._channel.handshake()
        if not isinstance(client, ClientAuthenticated):
            raise TunnelGatewayError("the handshake gave no client")
        self._note_client(client)
        await self._service.revocation.check(client.peer)
        self._service.revocation.watch(self, client.peer)
        destination = find_destination(config.destinations, client.dst_id)
        check_permitted(destination, client.peer, client.server_name)
        self._socket = socket = await connect(destination, config.connect_timeout)
        inbox = Inbox(self._channel)
        self._channel.open(inbox)
        inbox.check()  # the client may have left while we connected
        self._connection.accept()
        self._channel.flush()
        socket = await self._pass_request(inbox, client, destination, socket)
        if not await self._read_answer(socket.inbox, inbox):
            return await self._pass_refusal(socket.inbox, inbox)
        self._relay = Relay(
            self._channel,
            socket,
            RelayLimits(config.idle_timeout, config.halfclose_timeout),
            socket_name="destination",
            on_socket_lost=DestinationUnreachableError("the destination broke off"),
        )
        return await self._relay.run(inbox, socket.inbox)

    def _check_stopped(self) -> None:
        if self._stop_error is not None:
            raise self._stop_error

    async def _pass_request(
        self,
        inbox: Inbox,
        client: ClientAuthenticated,
        destination: Destination,
        socket: SocketStream,
    ) -> SocketStream:
        """Send the page's request on; returns the destination's socket, a new one if it hung up.

        On its own so that nothing of the request is kept as long as the tunnel.
        """
        request = await self._read_request(inbox)
        check_origin(request, client.server_name)
        if socket.inbox.ended:
            # The application does not wait as long for a request as a page may take.
            socket.close()
            self._socket = socket = await connect(destination, self._service.config.connect_timeout)
        identity = identity_headers(client.peer, client.tunnel_id)
        socket.write(forwarded_request(request, identity, self._stream.peer_host))
        return socket

    async def _read_request(self, inbox: Inbox) -> UpgradeRequest:
        reader = UpgradeReader()
        async with _time_limit(self._service.config.upgrade_timeout, "no upgrade request came"):
            while data := await inbox.receive():
                if request := reader.receive_data(data):
                    inbox.unread(reader.rest)
                    return request
        raise NotWebSocketError("the client closed before its upgrade request was complete")

    async def _read_answer(self, answers: Inbox, client: Inbox) -> bool:
        """Tell whether the destination accepts; until then no byte of the client follows."""
        answer = b""
        async with _time_limit(
            self._service.config.upgrade_timeout, "the destination did not answer the upgrade"
        ):
            while (switched := switched_protocols(answer)) is None:
                data = await _receive_answer(answers, client)
                if not data:
                    raise DestinationUnreachableError(
                        "the destination closed without an answer to the upgrade request"
                    )
                answer += data
        answers.unread(answer)
        return switched

    async def _pass_refusal(self, answers: Inbox, client: Inbox) -> RelayEnd:
        """Let the page see why the destination refused: its answer, then the end."""
        passed = 0
        # A page that has read enough of it leaves, and that is a refusal all the same.
        with suppress(TimeoutError, DestinationUnreachableError, TruncatedError):
            async with asyncio.timeout(_REFUSAL_SECONDS):
                while passed < _REFUSAL_BYTES and (data := await _receive_answer(answers, client)):
                    self._channel.write(data[: _REFUSAL_BYTES - passed])
                    passed += len(data)
        self._channel.close()
        return RelayEnd("upgrade_refused")

    def _note_client(self, client: ClientAuthenticated) -> None:
        leaf = client.peer.leaf
        self._facts |= {
            "tunnel_id": client.tunnel_id.hex(),
            "domain": client.server_name,
            "dst_id": client.dst_id,
            "user": leaf.common_name,
            "serial": f"{leaf.serial:x}",
            "issuer": leaf.issuer,
        }

    # --- the end of it ---------------------------------------------------------------------

    def _close(self) -> None:
        self._service.revocation.unwatch(self)
        self._stream.close()
        if self._socket is not None:
            self._socket.close()

    async def _wait_closed(self) -> None:
        await self._stream.wait_closed()
        if self._socket is not None:
            await self._socket.wait_closed()

    def _break_off(self, error: TunnelGatewayError) -> RelayEnd:
        self._channel.abort(error)
        return RelayEnd(error.code, error)

    def _log(self, end: RelayEnd) -> None:
        self._ended = True
        facts = self._facts | {
            "reason": end.reason,
            "seconds": round(asyncio.get_running_loop().time() - self._started, 3),
        }
        if self._connection.server_name and "domain" not in facts:
            facts["domain"] = self._connection.server_name
        if end.error is not None:
            facts["detail"] = str(end.error)
        if isinstance(end.error, NotPermittedError) and end.error.rule:
            facts["rule"] = end.error.rule
        if self._relay is not None:
            facts |= {
                "bytes_up": self._relay.bytes_from_channel,
                "bytes_down": self._relay.bytes_from_socket,
            }
            log.info("tunnel_closed", **facts)
        elif not self._stream.received and isinstance(end.error, TruncatedError | OSError):
            log.debug("probe", **facts)  # a balancer's health check connects and hangs up
        else:
            log.warning("tunnel_refused", **facts)


async def _receive_answer(answers: Inbox, client: Inbox) -> bytes:
    """Return what the destination says next; raises what ended the client if that comes first."""
    answer = asyncio.create_task(answers.receive())
    try:
        await asyncio.wait((answer, client.lost), return_when=asyncio.FIRST_COMPLETED)
        client.check()
    finally:
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)
    try:
        return answer.result()
    except OSError as error:
        raise DestinationUnreachableError(
            f"the destination broke off before its answer was complete: {error.strerror}"
        ) from None


@asynccontextmanager
async def _time_limit(seconds: float, text: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise  # the socket's own: a peer that does not acknowledge
        raise TimedOutError(f"{text} in {seconds:g} s") from None
