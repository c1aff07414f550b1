"""The local address of a page's tunnel: one connection, and only that page's.

A wrong visitor does not use the address up. Any page can make a browser connect to every port of
the loopback, so if a stranger's attempt ended the address, a hostile page could take it from the
user; and letting the stranger try costs nothing, for what he sends gets no further than here.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final

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
from tunnel_gateway.transport.streams.time_limit import within
from tunnel_gateway.transport.wire.upgrade import UpgradeReader, UpgradeRequest

log = get_logger(__name__)

# Browsers open connections ahead of use and say nothing on them. When there are more than these,
# the one who has been here longest must go: the page asks as soon as it is connected, so whoever
# is slower cannot keep it waiting.
_MAX_VISITORS: Final = 32
_HEAD_SECONDS: Final = 5.0
_ACCEPT_AGAIN_SECONDS: Final = 0.1
_CROWDED: Final = TimedOutError("others came meanwhile")


class PageAddress(OneShotAddress):
    """Listens on a free loopback port until the page with this ``origin`` has come."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        port = self.port
        self._origin = origin
        self._hosts = {f"{LOOPBACK}:{port}", f"localhost:{port}"}
        self.refused = 0  # visitors that were turned away
        self._lines = FewLines()

    async def _admit(self) -> PageStream:
        admitted: asyncio.Future[PageStream] = asyncio.get_running_loop().create_future()
        receiving = asyncio.create_task(self._receive_all(admitted))
        try:
            await asyncio.wait((admitted, receiving), return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                receiving.result()  # raises why nobody can come any more
            return admitted.result()
        except asyncio.CancelledError:
            if admitted.done():
                admitted.result().close()
            raise
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)
            del receiving, admitted  # they keep the error that this frame raises

    async def _receive_all(self, admitted: asyncio.Future[PageStream]) -> None:
        visitors: dict[asyncio.Task[None], None] = {}  # in the order of their coming
        try:
            while not admitted.done():
                stream = await self._next_visitor()
                if len(visitors) >= _MAX_VISITORS:
                    oldest = next(iter(visitors))
                    del visitors[oldest]
                    oldest.cancel()
                visitor = asyncio.create_task(self._receive(stream, admitted))
                visitors[visitor] = None
                visitor.add_done_callback(partial(_leave, visitors, stream))
        finally:
            present = list(visitors)
            for visitor in present:
                visitor.cancel()
            await asyncio.gather(*present, return_exceptions=True)

    async def _next_visitor(self) -> PageStream:
        """Wait until somebody comes, also if there is no descriptor for them at the moment."""
        while True:
            try:
                connection, _ = await accept(self._socket)
            except OSError:
                await asyncio.sleep(_ACCEPT_AGAIN_SECONDS)
                continue
            with suppress(OSError):  # the visitor is gone already
                return await PageStream.of(connection)

    async def _receive(self, stream: PageStream, admitted: asyncio.Future[PageStream]) -> None:
        """Let a visitor in, or tell him why not; his place is free when his socket is closed.

        Cancelled, it just ends: a cancelled task keeps its error, and the frames of it the task.
        """
        try:
            await self._examine(stream)
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
        self._tell(stream, error)
        if isinstance(error, TunnelGatewayError):
            stream.write(refusal(RelayEnd(error.code, error)))
        stream.close()

    def _send_off(self, stream: PageStream, admitted: asyncio.Future[PageStream]) -> None:
        if admitted.done():
            stream.close()
        else:  # his place is needed, or the tunnel has ended
            self._tell(stream, _CROWDED)
            stream.abort(_CROWDED)

    def _tell(self, stream: PageStream, error: Exception) -> None:
        """Count one who is turned away, and write why, if he said anything."""
        self.refused += 1
        if stream.received and (more := self._lines.admit()) is not None:
            log.warning("visitor_refused", origin=self._origin, detail=str(error), **more)

    async def _examine(self, stream: PageStream) -> None:
        """Raise NotPermittedError for another page's request, NotWebSocketError for none."""
        reader, read = UpgradeReader(), bytearray()
        async with within(_HEAD_SECONDS, f"no upgrade request in {_HEAD_SECONDS:g} s"):
            while data := await stream.inbox.receive():
                read += data
                if request := reader.receive_data(data):
                    self._check(request)
                    stream.inbox.unread(bytes(read))  # the gateway reads it as it came
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
    if visitor.cancelled():  # before it began: afterwards it closes the stream itself
        stream.abort(_CROWDED)
