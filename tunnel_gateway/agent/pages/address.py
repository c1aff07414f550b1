"""The local address of a page's tunnel: one connection, and only for that page.

A visitor that is not the page does not use the address up. Any page can make a browser connect to
every port of the loopback. If such a connection ended the address, a hostile page could take the
tunnel away from the user. It costs nothing to let strangers try: their bytes go nowhere.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final

from tunnel_gateway.agent.neighbour import is_of_another_user
from tunnel_gateway.agent.pages.oneshot import LOOPBACK, OneShotAddress
from tunnel_gateway.agent.pages.page_stream import PageStream, refusal
from tunnel_gateway.errors import (
    NotPermittedError,
    NotWebSocketError,
    TimedOutError,
    TunnelGatewayError,
)
from tunnel_gateway.observability.few_lines import FewLines
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.streams.accepting import accept
from tunnel_gateway.transport.streams.relay import RelayEnd
from tunnel_gateway.transport.wire.upgrade import UpgradeReader, UpgradeRequest

log = get_logger(__name__)

# Browsers open connections before they need them, and send nothing on them. If there are more
# visitors than these, the oldest one must go. The page asks as soon as it is connected, so slower
# visitors cannot keep it waiting.
MAX_VISITORS: Final = 32
HEAD_SECONDS: Final = 5.0
ACCEPT_AGAIN_SECONDS: Final = 0.1  # accept fails while there is no free descriptor
_CROWDED: Final = TimedOutError("too many others connected meanwhile")


class PageAddress(OneShotAddress):
    """Listens on a free loopback port until the page with this ``origin`` has come."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        port = self.port
        self._origin = origin
        self._hosts = {f"{LOOPBACK}:{port}", f"localhost:{port}"}
        self.refused = 0  # visitors
        self._lines = FewLines()

    async def _admit(self) -> PageStream:
        admitted: asyncio.Future[PageStream] = asyncio.get_running_loop().create_future()
        receiving = asyncio.create_task(self._receive_all(admitted))
        try:
            await asyncio.wait((admitted, receiving), return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                receiving.result()  # raises the error that has ended it
            return admitted.result()
        except asyncio.CancelledError:
            if admitted.done():
                admitted.result().close()
            raise
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)
            del receiving, admitted  # else this frame keeps its own error, which is a cycle

    async def _receive_all(self, admitted: asyncio.Future[PageStream]) -> None:
        visitors: dict[asyncio.Task[None], None] = {}  # the oldest first
        try:
            while not admitted.done():
                stream, peer = await self._next_visitor()
                if len(visitors) >= MAX_VISITORS:
                    oldest = next(iter(visitors))
                    del visitors[oldest]
                    oldest.cancel()
                visitor = asyncio.create_task(self._receive(stream, admitted, peer))
                visitors[visitor] = None
                visitor.add_done_callback(partial(_leave, visitors, stream))
        finally:
            present = list(visitors)
            for visitor in present:
                visitor.cancel()
            await asyncio.gather(*present, return_exceptions=True)

    async def _next_visitor(self) -> tuple[PageStream, tuple[str, int]]:
        """Wait for a visitor, even if there is no free descriptor. Return also its address."""
        while True:
            try:
                connection, peer = await accept(self._socket)
            except OSError:
                await asyncio.sleep(ACCEPT_AGAIN_SECONDS)
                continue
            with suppress(OSError):  # the visitor has already gone
                return await PageStream.of(connection), (peer[0], peer[1])

    async def _receive(
        self, stream: PageStream, admitted: asyncio.Future[PageStream], peer: tuple[str, int]
    ) -> None:
        """Admit a visitor, or tell it why not. It counts as a visitor until its socket is closed.

        If this is cancelled, it returns. A task that ends with CancelledError keeps the error, the
        error keeps its frames, and the frames keep the task.
        """
        try:
            await self._examine(stream)
            if is_of_another_user(peer, self.port):
                raise NotPermittedError("this address is for another user of this machine")
        except (OSError, TunnelGatewayError) as error:
            self._turn_away(stream, error)
        except asyncio.CancelledError:
            self._send_off(stream, admitted)
            return
        else:
            if admitted.done():
                stream.close()
            else:
                admitted.set_result(stream)
            return
        try:
            await stream.wait_closed()
        except asyncio.CancelledError:
            if not admitted.done():
                stream.abort(_CROWDED)

    def _turn_away(self, stream: PageStream, error: Exception) -> None:
        self._count_refused(stream, error)
        if isinstance(error, TunnelGatewayError):
            stream.write(refusal(RelayEnd(error.code, error)))
        stream.close()

    def _send_off(self, stream: PageStream, admitted: asyncio.Future[PageStream]) -> None:
        if admitted.done():
            stream.close()
        else:  # there are too many visitors, or the tunnel has ended
            self._count_refused(stream, _CROWDED)
            stream.abort(_CROWDED)

    def _count_refused(self, stream: PageStream, error: Exception) -> None:
        """Count a refused visitor, and log why if it has sent anything."""
        self.refused += 1
        if stream.received and (more := self._lines.admit()) is not None:
            log.warning("visitor_refused", origin=self._origin, detail=str(error), **more)

    async def _examine(self, stream: PageStream) -> None:
        """Raise NotPermittedError for another page, NotWebSocketError if there is no request."""
        reader, read = UpgradeReader(), bytearray()
        fault = f"no upgrade request in {HEAD_SECONDS:g} s"
        with stream.inbox.within(HEAD_SECONDS, fault):
            while data := await stream.inbox.receive():
                read += data
                if request := reader.receive_data(data):
                    self._check(request)
                    # The gateway must get the request as the page has sent it.
                    stream.inbox.unread(bytes(read))
                    return
        raise NotWebSocketError("the connection ended before the upgrade request was complete")

    def _check(self, request: UpgradeRequest) -> None:
        if request.host not in self._hosts:
            raise NotPermittedError("the Host header is not this address")
        if request.origin != self._origin:
            raise NotPermittedError(
                "this address is for the page that created the tunnel, and not for"
                f" {'a program' if request.origin is None else request.origin[:100]}"
            )


def _leave(
    visitors: dict[asyncio.Task[None], None], stream: PageStream, visitor: asyncio.Task[None]
) -> None:
    visitors.pop(visitor, None)
    # A task that was cancelled before its start never ran, so it did not close its stream.
    if visitor.cancelled():
        stream.abort(_CROWDED)
