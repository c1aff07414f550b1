"""The local address of a page's tunnel: one connection, and only that page's.

A wrong visitor does not use the address up. Any page can make a browser connect to every port of
the loopback, so if a stranger's attempt ended the address, a hostile page could take it from the
user; and letting the stranger try costs nothing, for what he sends gets no further than here.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from tunnel_gateway.agent.oneshot import LOOPBACK, OneShotAddress, page_stream
from tunnel_gateway.agent.page_stream import PageStream, refusal
from tunnel_gateway.errors import (
    NotPermittedError,
    NotWebSocketError,
    TimedOutError,
    TunnelGatewayError,
)
from tunnel_gateway.transport.relay import RelayEnd
from tunnel_gateway.transport.upgrade import UpgradeReader, UpgradeRequest

# Browsers open connections ahead of use and say nothing on them; more than these wait their turn.
_MAX_VISITORS: Final = 32
_HEAD_SECONDS: Final = 5.0


class PageAddress(OneShotAddress):
    """Listens on a free loopback port until the page with this ``origin`` has come."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        port = self.port
        self._origin = origin
        self._hosts = {f"{LOOPBACK}:{port}", f"localhost:{port}"}
        self._places = asyncio.Semaphore(_MAX_VISITORS)
        self.refused = 0  # visitors that were turned away

    async def _admit(self) -> PageStream:
        admitted: asyncio.Future[PageStream] = asyncio.get_running_loop().create_future()
        receiving = asyncio.create_task(self._receive_all(admitted))
        try:
            await asyncio.wait((admitted, receiving), return_when=asyncio.FIRST_COMPLETED)
            return receiving.result() if receiving.done() else admitted.result()
        except asyncio.CancelledError:
            if admitted.done():
                admitted.result().close()
            raise
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _receive_all(self, admitted: asyncio.Future[PageStream]) -> PageStream:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as visitors:
            while True:
                await self._places.acquire()
                connection, _ = await loop.sock_accept(self._socket)
                visitors.create_task(self._receive(connection, admitted))

    async def _receive(
        self, connection: socket.socket, admitted: asyncio.Future[PageStream]
    ) -> None:
        """Let a visitor in, or tell him why not."""
        try:
            stream = await page_stream(connection)
        except OSError:
            self._places.release()
            return
        try:
            await self._examine(stream)
        except (OSError, TunnelGatewayError) as error:
            self._turn_away(stream, error)
        except asyncio.CancelledError:  # another was let in, or the tunnel has ended
            stream.close()
            raise
        else:
            if admitted.done():
                stream.close()
            else:
                admitted.set_result(stream)
        finally:
            self._places.release()

    def _turn_away(self, stream: PageStream, error: Exception) -> None:
        self.refused += 1
        if isinstance(error, TunnelGatewayError):
            stream.write(refusal(RelayEnd(error.code, error)))
        stream.close()

    async def _examine(self, stream: PageStream) -> None:
        """Raise NotPermittedError for another page's request, NotWebSocketError for none."""
        reader, read = UpgradeReader(), bytearray()
        try:
            async with asyncio.timeout(_HEAD_SECONDS) as limit:
                while data := await stream.inbox.receive():
                    read += data
                    if request := reader.receive_data(data):
                        self._check(request)
                        stream.inbox.unread(bytes(read))  # the gateway reads it as it came
                        return
        except TimeoutError:
            if not limit.expired():
                raise  # the socket's own
            raise TimedOutError(f"no upgrade request in {_HEAD_SECONDS:g} s") from None
        raise NotWebSocketError("the connection ended before the upgrade request was complete")

    def _check(self, request: UpgradeRequest) -> None:
        if request.host not in self._hosts:
            raise NotPermittedError("the Host header is not this address")
        if request.origin != self._origin:
            raise NotPermittedError("this address is for the page that created the tunnel")
