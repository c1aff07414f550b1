"""A tunnel and a plain socket joined: bytes, ends, back-pressure, limits, and one end reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tunnel_gateway.errors import TimedOutError, TunnelGatewayError
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.transport.byte_stream import ByteStream
from tunnel_gateway.transport.inbox import Inbox

# How finely idleness is measured: a tunnel ends at most this part of the limit late.
_IDLE_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Seconds without a byte, and seconds that one direction may go on after the other ended."""

    idle: float
    half_close: float


@dataclass(frozen=True, slots=True)
class RelayEnd:
    """Why a relay ended: a stable word for logs, and the error if there was one."""

    reason: str
    error: Exception | None = None


class _Side:
    """Observes one stream and passes everything on to the other."""

    def __init__(self, relay: Relay, name: str, other: ByteStream) -> None:
        self._relay = relay
        self._other = other
        self.name = name
        self.byte_count = 0
        self.ended = False

    def data_received(self, data: Buffer) -> None:
        self.byte_count += len(data)
        self._other.write(data)

    def eof_received(self) -> None:
        self.ended = True
        self._other.write_eof()
        self._relay.direction_ended()

    def pause_writing(self) -> None:
        self._other.pause_reading()

    def resume_writing(self) -> None:
        self._other.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._relay.side_lost(self, error)


class Relay:
    """Joins ``channel`` and ``socket`` until both directions have ended or something breaks.

    ``socket_name`` is what the plain side is called in end reasons. ``on_socket_lost`` is what
    the tunnel's peer is told when the plain side breaks off; None tells it of an ordinary end.
    ``farewell`` makes the last bytes for the plain side, or none, from the reason of the end.
    """

    def __init__(
        self,
        channel: ByteStream,
        socket: ByteStream,
        limits: RelayLimits,
        *,
        socket_name: str,
        on_socket_lost: TunnelGatewayError | None = None,
        farewell: Callable[[RelayEnd], bytes] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._socket = socket
        self._limits = limits
        self._on_socket_lost = on_socket_lost
        self._farewell = farewell
        self._from_channel = _Side(self, "peer", socket)
        self._from_socket = _Side(self, socket_name, channel)
        self._end: asyncio.Future[RelayEnd] = self._loop.create_future()
        self._quiet_parts = 0
        self._counted = -1
        self._timers: list[asyncio.TimerHandle] = []

    @property
    def bytes_from_channel(self) -> int:
        """How many bytes came out of the tunnel."""
        return self._from_channel.byte_count

    @property
    def bytes_from_socket(self) -> int:
        """How many bytes came from the plain side."""
        return self._from_socket.byte_count

    async def run(self, from_channel: Inbox, from_socket: Inbox) -> RelayEnd:
        """Relay until the end, beginning with what the inboxes of the two sides still hold."""
        self._watch_idleness()
        # Both before anything is handed over: what waits on one side can fill the other, and then
        # the observer of that other side must pause the first.
        self._socket.observe(self._from_socket)
        self._channel.observe(self._from_channel)
        from_socket.hand_over(self._from_socket)
        from_channel.hand_over(self._from_channel)
        try:
            return await self._end
        finally:
            for timer in self._timers:
                timer.cancel()

    def stop(self, error: TunnelGatewayError) -> None:
        """End both sides now and tell the tunnel's peer why."""
        self._finish(RelayEnd(error.code, error))

    # --- told by the sides -----------------------------------------------------------------

    def direction_ended(self) -> None:
        """One direction has ended properly; the other has a limited time to follow."""
        if self._from_channel.ended and self._from_socket.ended:
            self._finish(RelayEnd("completed"))
        else:
            timer = self._loop.call_later(self._limits.half_close, self._expire, "half_close")
            self._timers.append(timer)

    def side_lost(self, side: _Side, error: Exception | None) -> None:
        """One side broke off."""
        if isinstance(error, TunnelGatewayError):
            self._finish(RelayEnd(error.code, error))
        elif side is self._from_socket:
            self._finish(RelayEnd(f"{side.name}_lost", error), self._on_socket_lost)
        else:
            self._finish(RelayEnd("peer_left" if error is None else "peer_lost", error))

    # --- ends ------------------------------------------------------------------------------

    def _watch_idleness(self) -> None:
        counted = self.bytes_from_channel + self.bytes_from_socket
        self._quiet_parts = self._quiet_parts + 1 if counted == self._counted else 0
        self._counted = counted
        if self._quiet_parts >= _IDLE_PARTS:
            self._expire("idle")
            return
        part = self._limits.idle / _IDLE_PARTS
        self._timers[:1] = [self._loop.call_later(part, self._watch_idleness)]

    def _expire(self, limit: str) -> None:
        error = TimedOutError(f"the {limit.replace('_', '-')} time-out was reached")
        self._finish(RelayEnd(f"{limit}_timeout", error), error)

    def _finish(self, end: RelayEnd, tell_peer: TunnelGatewayError | None = None) -> None:
        if self._end.done():
            return
        self._end.set_result(end)
        error = tell_peer or end.error
        if isinstance(error, TunnelGatewayError):
            self._channel.abort(error)
        else:
            self._channel.close()
        if self._farewell is not None and (last := self._farewell(end)):
            self._socket.write(last)
        self._socket.close()
