"""A tunnel and a plain socket joined: bytes, ends, back-pressure, limits, and one end reason."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from tunnel_gateway.end_reasons import EndReason
from tunnel_gateway.errors import (
    ShuttingDownError,
    TimedOutError,
    TruncatedError,
    TunnelGatewayError,
)
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.transport.streams.byte_stream import NOBODY, ByteStream
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.wire.rates import Rate, TokenBucket

# How finely idleness is measured: a tunnel ends at most this part of the limit late.
_IDLE_PARTS: Final = 4
# The relay must name some error, but the peer is lost and nobody reads it.
_PEER_GONE: Final = TruncatedError("the connection was lost")


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Seconds without a byte, and seconds that one direction may go on after the other ended.

    ``lifetime`` is the seconds of the whole, ``bandwidth`` the bytes a second of each direction;
    0 means no limit.
    """

    idle: float
    half_close: float
    lifetime: float = 0.0
    bandwidth: int = 0


# The limits that end a relay, and what the log says of each.
_EXPIRED: Final = {
    EndReason.IDLE: (Limit.IDLE, "the idle time-out was reached"),
    EndReason.HALF_CLOSE: (Limit.HALF_CLOSE, "the half-close time-out was reached"),
    EndReason.LIFETIME: (Limit.LIFETIME, "the lifetime time-out was reached"),
}


@dataclass(frozen=True, slots=True)
class RelayEnd:
    """Why a relay ended: an EndReason or the code of the error, and the error if there was one."""

    reason: str
    error: Exception | None = None


def expired(reason: EndReason) -> RelayEnd:
    """Return the end by a limit: IDLE, HALF_CLOSE or LIFETIME."""
    limit, text = _EXPIRED[reason]
    return RelayEnd(reason, TimedOutError(text, limit))


class Relaying(Protocol):
    """A tunnel and a plain socket joined, by whatever carries the bytes: see Relay."""

    @property
    def bytes_from_channel(self) -> int:
        """How many bytes came out of the tunnel."""

    @property
    def bytes_from_socket(self) -> int:
        """How many bytes came from the plain side."""

    async def run(self, from_channel: Inbox, from_socket: Inbox) -> RelayEnd:
        """Relay until the end, beginning with what the inboxes of the two sides still hold."""

    def stop(self, error: TunnelGatewayError) -> None:
        """End both sides now and tell the tunnel's peer why."""

    async def wait_closed(self) -> None:
        """Wait until both sockets are closed, and everything written is sent or lost."""


class _Side:
    """Observes one stream and passes everything on to the other."""

    def __init__(self, relay: Relay, other: ByteStream) -> None:
        self._relay: Relay | None = relay
        self._other = other
        self.byte_count = 0
        self.ended = False

    def data_received(self, data: Buffer) -> None:
        self.byte_count += len(data)
        self._other.write(data)

    def eof_received(self) -> None:
        self.ended = True
        self._other.write_eof()
        if self._relay is not None:
            self._relay.direction_ended()

    def pause_writing(self) -> None:
        self._other.pause_reading()

    def resume_writing(self) -> None:
        self._other.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self._relay is not None:
            self._relay.side_lost(self, error)

    def release(self) -> None:
        """Cancel every wait, and let go of the relay."""
        self._relay = None


class _MeteredSide(_Side):
    """A side that is not read while it is over its rate.

    Its stream then waits for tokens, and for room in the stream that ``back`` observes. It is read
    again when it has both. Nothing is queued: data that came in were passed on at once.
    """

    back: _MeteredSide

    def __init__(self, relay: Relay, own: ByteStream, other: ByteStream, bandwidth: int) -> None:
        super().__init__(relay, other)
        self._loop = asyncio.get_running_loop()
        self._own = own
        self._rate = Rate(bandwidth, bandwidth)
        self._bucket = TokenBucket()
        self.timer: asyncio.TimerHandle | None = None
        self.full = False

    def data_received(self, data: Buffer) -> None:
        super().data_received(data)
        wait = self._bucket.spend(self._rate, self._loop.time(), len(data))
        if wait and not self.timer:
            self._own.pause_reading()
        if wait:
            # A tunnel hands over one read in several parts: the wait after the last part counts.
            self._cancel()
            self.timer = self._loop.call_later(wait, self._go_on)

    def pause_writing(self) -> None:
        self.back.full = True
        super().pause_writing()

    def resume_writing(self) -> None:
        self.back.full = False
        if not self.back.timer:
            super().resume_writing()

    def release(self) -> None:
        super().release()
        self._cancel()
        del self.back

    def _cancel(self) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None

    def _go_on(self) -> None:
        self.timer = None
        if not self.full:
            self._own.resume_reading()


def _sides(
    relay: Relay, channel: ByteStream, socket: ByteStream, bandwidth: int
) -> tuple[_Side, _Side]:
    if not bandwidth:
        return _Side(relay, socket), _Side(relay, channel)
    up = _MeteredSide(relay, channel, socket, bandwidth)
    down = _MeteredSide(relay, socket, channel, bandwidth)
    up.back, down.back = down, up
    return up, down


def is_for_other_systems() -> bool:
    """Tell whether a Relay carries all tunnels here: on Linux the data plane does."""
    return sys.platform != "linux"


class Relay:
    """Joins ``channel`` and ``socket`` until both directions have ended or something breaks.

    ``socket_lost`` is the end reason when the plain side breaks off, and ``on_socket_lost`` is
    what the tunnel's peer is told then: never of an ordinary end.
    ``farewell`` makes the last bytes for the plain side, or none, from the reason of the end.
    """

    def __init__(
        self,
        channel: ByteStream,
        socket: ByteStream,
        limits: RelayLimits,
        *,
        socket_lost: EndReason,
        on_socket_lost: TunnelGatewayError,
        farewell: Callable[[RelayEnd], bytes] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._socket = socket
        self._limits = limits
        self._socket_lost = socket_lost
        self._on_socket_lost = on_socket_lost
        self._farewell = farewell
        self._from_channel, self._from_socket = _sides(self, channel, socket, limits.bandwidth)
        self._end: asyncio.Future[RelayEnd] = self._loop.create_future()
        self._quiet_parts = 0
        self._counted = -1
        self._timers: list[asyncio.TimerHandle] = []

    @property
    def ended(self) -> bool:
        """Tell whether the end is decided: ``run`` returns it at once."""
        return self._end.done()

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
        if lifetime := self._limits.lifetime:
            timer = self._loop.call_later(lifetime, self._expire, EndReason.LIFETIME)
            self._timers.append(timer)
        # Set both observers before any data are handed over. The data that wait on one side can
        # fill the other side, whose observer must then pause the first.
        self._socket.observe(self._from_socket)
        self._channel.observe(self._from_channel)
        from_socket.hand_over(self._from_socket)
        from_channel.hand_over(self._from_channel)
        try:
            return await asyncio.shield(self._end)  # a cancel must not decide the end
        except asyncio.CancelledError:
            self.stop(ShuttingDownError("nobody waits for the end of the tunnel"))
            raise
        finally:
            self.release()

    def release(self) -> None:
        """Leave no cycle behind: the memory of a tunnel is then free at once, without a search.

        Only for a relay that does not run, because somebody else carries the tunnel.
        """
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for stream in (self._socket, self._channel):
            stream.observe(NOBODY)
        for side in (self._from_channel, self._from_socket):
            side.release()

    def stop(self, error: TunnelGatewayError) -> None:
        """End both sides now and tell the tunnel's peer why."""
        self._finish(RelayEnd(error.code, error))

    async def wait_closed(self) -> None:
        """Wait until both sockets are closed, and everything written is sent or lost."""
        await self._channel.wait_closed()
        await self._socket.wait_closed()

    # --- told by the sides -----------------------------------------------------------------

    def direction_ended(self) -> None:
        """One direction has ended properly; the other has a limited time to follow."""
        if self._from_channel.ended and self._from_socket.ended:
            self._finish(RelayEnd(EndReason.COMPLETED))
        else:
            seconds = self._limits.half_close
            timer = self._loop.call_later(seconds, self._expire, EndReason.HALF_CLOSE)
            self._timers.append(timer)

    def side_lost(self, side: _Side, error: Exception | None) -> None:
        """One side broke off."""
        if isinstance(error, TunnelGatewayError):
            self._finish(RelayEnd(error.code, error))
        elif side is self._from_socket:
            self._finish(RelayEnd(self._socket_lost, error), self._on_socket_lost)
        else:
            reason = EndReason.PEER_LEFT if error is None else EndReason.PEER_LOST
            self._finish(RelayEnd(reason, error))

    # --- ends ------------------------------------------------------------------------------

    def _watch_idleness(self) -> None:
        counted = self.bytes_from_channel + self.bytes_from_socket
        self._quiet_parts = self._quiet_parts + 1 if counted == self._counted else 0
        self._counted = counted
        if self._quiet_parts >= _IDLE_PARTS:
            self._expire(EndReason.IDLE)
            return
        part = self._limits.idle / _IDLE_PARTS
        self._timers[:1] = [self._loop.call_later(part, self._watch_idleness)]

    def _expire(self, reason: EndReason) -> None:
        self._finish(expired(reason))

    def _finish(self, end: RelayEnd, tell_peer: TunnelGatewayError = _PEER_GONE) -> None:
        if self._end.done():
            return
        self._end.set_result(end)
        if end.reason == EndReason.COMPLETED:
            self._channel.close()
        else:  # after an ordinary end the peer would take the data that it got as complete
            self._channel.abort(
                end.error if isinstance(end.error, TunnelGatewayError) else tell_peer
            )
        if self._farewell is not None and (last := self._farewell(end)):
            self._socket.write(last)
        self._socket.close()
