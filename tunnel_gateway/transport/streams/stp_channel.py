"""An STP connection on a socket: the tunnel as a ByteStream, closed no earlier than it may be.

The interface is that of ``channel.Channel``. The difference is in the end: the connection says when
the socket may close, and until then all bytes of the peer are dropped.
"""

from __future__ import annotations

import asyncio

from tunnel_gateway.errors import TimedOutError, TruncatedError, TunnelGatewayError
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.protocol.connection import OpenTunnel
from tunnel_gateway.protocol.events import DataReceived, Failed, Proven
from tunnel_gateway.protocol.stp.stp_connection import OpenStpTunnel, StpConnection
from tunnel_gateway.protocol.stp.stp_events import PeerClosed, StpEvent
from tunnel_gateway.protocol.stp.stp_states import StpState
from tunnel_gateway.transport.streams.byte_stream import Observer
from tunnel_gateway.transport.streams.channel import LATE, TunnelChannel, Workers, error_of
from tunnel_gateway.transport.streams.stream import FLUSH_SECONDS, SocketStream


class StpChannel(TunnelChannel[StpConnection]):
    """One end of an STP tunnel; its connection must have the clock of the loop."""

    def __init__(self, stream: SocketStream, connection: StpConnection, workers: Workers) -> None:
        super().__init__(stream, connection, workers)
        self._loop = asyncio.get_running_loop()
        self._early: list[StpEvent] = []  # what came in one piece with the last message
        self._opened = False
        self._ended = False
        self._timer: asyncio.TimerHandle | None = None
        self._give_up_at: float | None = None
        stream.acknowledge_at_once()

    # --- the handshake ---------------------------------------------------------------------

    async def handshake(self) -> Proven:
        """Run the handshake until the peer is proven.

        Raises the error that ended it; the peer is told, and the socket closes when it may.
        """
        inbox = self._stream.inbox
        while (proven := self._outcome()) is None:
            deadline = self._connection.next_deadline or 0.0
            try:
                with inbox.within(deadline - self._loop.time(), LATE):
                    data = await inbox.receive_exactly(self._connection.missing)
            except TimedOutError:
                # The timer can be early by a part of a millisecond, so the deadline is passed on.
                self._connection.expire(deadline)
            else:
                await self._receive(data)
        return proven

    def _outcome(self) -> Proven | None:
        """Return the event of the proven peer, None until then; raises the error that ended it."""
        events = self._connection.events_received()
        failed = bool(events) and isinstance(events[-1], Failed)
        self.flush()
        if failed:
            raise error_of(events)
        if not (events and isinstance(events[0], Proven)):
            return None
        self._early = events[1:]
        return events[0]

    def open(self, observer: Observer) -> None:
        """Let bytes flow: from now on ``observer`` is told of everything."""
        self._observer = observer
        early, self._early = self._early, []
        self._pass_on(early)
        self._take_over()

    def _take_over(self) -> None:
        if not self._opened:
            self._opened = True
            self._stream.inbox.hand_over(self)

    # --- ByteStream ------------------------------------------------------------------------

    def write_eof(self) -> None:
        """End the tunnel: STP has no end of one direction. The peer may read until the close."""
        self._ended = True
        self._connection.send_close()
        self.flush()

    def close(self) -> None:
        """End the tunnel as ``write_eof`` does; the socket closes when the peer has read."""
        if self._worker_busy:
            self._stream.close()
        else:
            self.write_eof()

    def abort(self, error: TunnelGatewayError) -> None:
        """End the tunnel, and tell the peer why where the protocol has a way to."""
        if self._worker_busy:
            self._stream.abort(error)
            return
        self._connection.abort(error)
        self._connection.events_received()
        self.flush()

    @property
    def alive(self) -> bool:
        """Tell whether the socket is neither lost nor given up, and the tunnel is open."""
        return self._stream.alive and self._connection.state is StpState.OPEN

    def detach(self) -> tuple[int, asyncio.Future[None], OpenTunnel | OpenStpTunnel]:
        """Give the open tunnel to a new owner, as every channel does."""
        detached = super().detach()
        self._cancel()
        return detached

    # --- Observer of the socket ------------------------------------------------------------

    def data_received(self, data: Buffer) -> None:
        """Take frames apart and pass their data on."""
        self._connection.receive_data(data)
        self._dispatch()

    def eof_received(self) -> None:
        """The peer has closed: both directions are over."""
        self._connection.receive_eof()
        self._dispatch()

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        self._connection.receive_eof()
        closed = any(isinstance(event, PeerClosed) for event in self._connection.events_received())
        self._cancel()
        self._lost(error if error or not closed else TruncatedError("the connection was lost"))

    def _dispatch(self) -> None:
        self._pass_on(self._connection.events_received())
        self.flush()

    def _pass_on(self, events: list[StpEvent]) -> None:
        for event in events:
            observer = self._observer
            if observer is None:
                break
            if isinstance(event, DataReceived):
                observer.data_received(event.data)
            elif isinstance(event, PeerClosed):
                self._lost(None)
            elif isinstance(event, Failed):
                self._lost(event.error)

    # --- sending, and the end --------------------------------------------------------------

    def flush(self) -> None:
        """Send what the connection has to send, and see to its end, after a call from outside."""
        data = self._connection.data_to_send()
        if data:
            self._stream.write(data)
        if self._connection.closed:
            self._end()
        elif self._connection.ending or self._opened:
            # During the handshake the inbox watches the time.
            self._take_over()
            self._watch()

    def _watch(self) -> None:
        self._cancel()
        deadline = self._connection.next_deadline
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._expire, deadline)

    def _expire(self, deadline: float) -> None:
        """The time for a step, or for the peer to read the end, is over."""
        self._timer = None
        if self._connection.ending and self._stream.unsent and not self._overdue():
            self._connection.hold_on()  # it counts from the last bytes, and they are still here
        else:
            self._connection.expire(deadline)
        self._dispatch()

    def _overdue(self) -> bool:
        """Tell whether a slow peer has had its time to take what was written."""
        if self._give_up_at is None:
            self._give_up_at = self._loop.time() + FLUSH_SECONDS
        return self._loop.time() >= self._give_up_at

    def _end(self) -> None:
        self._cancel()
        self._stream.close()
        if self._ended and self._observer is not None:
            self._observer.eof_received()  # ours had ended before: both have now
        self._lost(None)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
