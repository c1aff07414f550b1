"""A tunnel and a plain socket joined, carried by the data plane."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from tunnel_gateway.dataplane.endings import Ending, relay_end
from tunnel_gateway.dataplane.joining import PageSide
from tunnel_gateway.dataplane.plane import CarriedTunnel, DataPlane, Load
from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import (
    OverloadedError,
    ShuttingDownError,
    TimedOutError,
    TunnelGatewayError,
)
from tunnel_gateway.observability.background import GoOn
from tunnel_gateway.transport.streams.byte_stream import NOBODY
from tunnel_gateway.transport.streams.channel import AnyChannel
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.relay import Relay, RelayEnd, RelayLimits
from tunnel_gateway.transport.streams.stream import FLUSH_SECONDS, SocketStream

_UNKNOWN_END: Final = RelayEnd(TunnelGatewayError.code, TunnelGatewayError("internal error"))


class NativeRelay:
    """Joins ``channel`` and ``socket`` as ``Relay`` does, in the data plane.

    It hands both sockets over to ``plane`` as soon as everything that was written is with the
    system. If one of them is lost by then, or the tunnel is stopped, ``relay`` ends it.
    """

    __slots__ = (
        "_closed",
        "_end",
        "_limits",
        "_page",
        "_parts",
        "_plane",
        "_socket_lost",
        "_stopped",
        "_tunnel",
        "_waiting",
    )

    def __init__(
        self,
        plane: DataPlane,
        channel: AnyChannel,
        socket: SocketStream,
        *,
        relay: Relay,
        limits: RelayLimits,
        socket_lost: EndReason,
        page: PageSide | None = None,
    ) -> None:
        self._plane = plane
        self._limits = limits
        self._socket_lost = socket_lost
        self._page = page
        # None from the hand-over on: these parts are most of a tunnel's memory.
        self._parts: tuple[AnyChannel, SocketStream, Relay] | None = (
            channel,
            socket,
            relay,
        )
        self._tunnel: CarriedTunnel | None = None
        self._stopped: TunnelGatewayError | None = None
        loop = asyncio.get_running_loop()
        self._end: asyncio.Future[RelayEnd] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        # These futures are what the waits for the end of the two streams wait for now.
        self._waiting: tuple[asyncio.Future[None], ...] = ()

    @property
    def bytes_from_channel(self) -> int:
        """How many bytes came out of the tunnel."""
        if self._parts is not None:
            return self._parts[2].bytes_from_channel
        return self._tunnel.counts[0] if self._tunnel is not None else 0

    @property
    def bytes_from_socket(self) -> int:
        """How many bytes came from the plain side."""
        if self._parts is not None:
            return self._parts[2].bytes_from_socket
        return self._tunnel.counts[1] if self._tunnel is not None else 0

    async def run(self, from_channel: Inbox, from_socket: Inbox) -> RelayEnd:
        """Relay until the end, beginning with what the inboxes of the two sides still hold."""
        relay = await self._try_hand_over(from_channel, from_socket)
        if relay is not None:
            return await relay.run(from_channel, from_socket)
        del from_channel, from_socket
        try:
            return await self._end
        except asyncio.CancelledError:
            self.stop(ShuttingDownError("nobody waits for the end of the tunnel"))
            raise

    def stop(self, error: TunnelGatewayError) -> None:
        """End both sides now and tell the tunnel's peer why."""
        if self._parts is not None:
            self._parts[2].stop(error)
        elif self._stopped is None and self._tunnel is not None:
            self._stopped = error
            self._tunnel.stop(error)

    async def wait_closed(self) -> None:
        """Wait until both sockets are closed, and everything written is sent or lost."""
        if self._parts is not None:
            await self._parts[2].wait_closed()
        else:
            await asyncio.shield(self._closed)

    # --- told by the plane -----------------------------------------------------------------

    def tunnel_ended(self, ending: Ending) -> None:
        """Tell the page and the waiting task why the tunnel has ended."""
        stopped = self._stopped or ShuttingDownError("the data plane was closed")
        # The tunnel must be closed even if an error happens here: nothing else would close it.
        end, last = _UNKNOWN_END, b""
        with GoOn("tunnel_news"):
            end = relay_end(ending, self._socket_lost, stopped)
            if self._page is not None and (tunnel := self._tunnel) is not None:
                last = self._page.last_words(end, tunnel.page_started, tunnel.page_may_close)
        if self._page is not None and self._tunnel is not None:
            self._tunnel.farewell(last)
        if not self._end.done():
            self._end.set_result(end)

    def tunnel_closed(self) -> None:
        """End all waits."""
        for future in (*self._waiting, self._closed):
            if not future.done():
                future.set_result(None)
        self._waiting = ()

    # --- the hand-over ---------------------------------------------------------------------

    async def _try_hand_over(self, from_channel: Inbox, from_socket: Inbox) -> Relay | None:
        """Hand the sockets over. If that cannot be, return the relay that ends the tunnel."""
        assert self._parts is not None  # noqa: S101 (a relay runs once)
        channel, socket, relay = self._parts
        try:
            if channel.unsent or socket.unsent:  # seldom: a time limit costs a timer
                async with asyncio.timeout(FLUSH_SECONDS):
                    await channel.drained()
                    await socket.drained()
            lost = from_channel.lost.done() or from_socket.lost.done()
            if relay.ended or lost or not (channel.alive and socket.alive):
                return relay
            load = self._detach(channel, socket, from_channel, from_socket)
        except TimeoutError:
            relay.stop(TimedOutError(f"what was written stayed for {FLUSH_SECONDS:g} s"))
        except OSError as error:
            relay.stop(OverloadedError(f"the sockets cannot be handed over: {error.strerror}"))
        else:
            relay.release()
            self._parts = None
            self._carry(load)
            return None
        return relay

    def _detach(
        self,
        channel: AnyChannel,
        socket: SocketStream,
        from_channel: Inbox,
        from_socket: Inbox,
    ) -> Load:
        """Take the two sockets from their streams, and what has come on them.

        Raises OSError if the process has no descriptor left; the channel is as before then.
        """
        plain, socket_closed = socket.detach()
        try:
            client, client_closed, tunnel = channel.detach()
        except OSError:
            os.close(plain)
            socket_closed.set_result(None)
            raise
        self._waiting = client_closed, socket_closed
        up, down = from_channel.take(), from_socket.take()
        # Otherwise each stream and its inbox would be a cycle in memory.
        from_channel.hand_over(NOBODY)
        from_socket.hand_over(NOBODY)
        page_close = self._page.close if self._page is not None else None
        return Load(client, plain, tunnel, self._limits, up, down, page_close)

    def _carry(self, load: Load) -> None:
        """Let the plane have the tunnel. If it cannot, both sockets end without a word."""
        try:
            self._tunnel = self._plane.add(load, self)
        except TunnelGatewayError as error:
            os.close(load.client)
            os.close(load.socket)
            self._end.set_result(RelayEnd(error.code, error))
            self.tunnel_closed()
