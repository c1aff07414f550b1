"""A protocol connection on a socket: the tunnel as a ByteStream.

First the handshake, step by step, its public-key work by ``workers``; then ``open``
turns the channel into a stream whose bytes go straight through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Protocol

from tunnel_gateway.errors import TimedOutError, TruncatedError, TunnelGatewayError
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.protocol.connection import Connection, OpenTunnel
from tunnel_gateway.protocol.events import (
    CloseReceived,
    DataReceived,
    Event,
    Failed,
    Proven,
)
from tunnel_gateway.protocol.states import State
from tunnel_gateway.transport.streams.byte_stream import Observer
from tunnel_gateway.transport.streams.stream import SocketStream

# Never shown: the connection says how far the handshake had come.
_LATE: Final = "the handshake was not over in time"


class Workers(Protocol):
    """Does the public-key work of handshakes, such as an executor."""

    def submit(
        self, work: Callable[[bytes], None], data: bytes, /
    ) -> Future[None] | asyncio.Future[None]:
        """Call ``work`` with ``data`` at some time."""


class Channel:
    """One end of a tunnel on ``stream``.

    ``workers`` run the public-key work, a millisecond at a time; nothing else touches
    the connection meanwhile.
    """

    def __init__(self, stream: SocketStream, connection: Connection, workers: Workers) -> None:
        self._stream = stream
        self._connection = connection
        self._workers = workers
        self._observer: Observer | None = None
        self._worker_busy = False

    # --- the handshake ---------------------------------------------------------------------

    async def handshake(self) -> Proven:
        """Run the handshake until the peer is proven.

        Raises the error that ended it; the peer has then been told.
        """
        inbox, deadline = self._stream.inbox, self._connection.next_deadline or 0.0
        try:
            # A worker's step is not interrupted: it ends by itself, and soon.
            with inbox.within(deadline - asyncio.get_running_loop().time(), _LATE):
                while (proven := self._outcome()) is None:
                    # A part of a record costs only its bytes in the inbox.
                    data = await inbox.receive_exactly(self._connection.missing)
                    await self._receive(data)
                return proven
        except TimedOutError:
            if not self._connection.closed:
                # The timer can be early by a part of a millisecond, so the deadline is passed on.
                self._connection.expire(deadline)
                self._outcome()
            raise

    async def _receive(self, data: bytes) -> None:
        """Pass on a record's header, or all that follows it; ``b""`` is an end before that."""
        if not data:
            self._connection.receive_eof()
        elif self._connection.header_is_next:
            self._connection.receive_data(data)
        else:
            await self._work(data)

    async def _work(self, data: bytes) -> None:
        """Hand the last bytes of a record to the workers: the costly step of a handshake."""
        # Stays set when this task is cancelled: a worker may still have the connection then.
        self._worker_busy = True
        future = self._workers.submit(self._connection.receive_data, data)
        try:
            await asyncio.wrap_future(future)
        except Exception:
            self._worker_busy = False
            raise
        except asyncio.CancelledError:
            self._worker_busy = not future.cancelled()
            raise
        finally:
            del future  # it may hold an error whose traceback holds this frame
        self._worker_busy = False

    def _outcome(self) -> Proven | None:
        """Return the event of the proven peer, None until then; raises the error that ended it."""
        self.flush()
        events = self._connection.events_received()
        if not events:
            return None
        if isinstance(events[0], Proven):
            return events[0]
        self._stream.close()
        raise _failure(events)

    def open(self, observer: Observer) -> None:
        """Let bytes flow: from now on ``observer`` is told of everything."""
        self._observer = observer
        self._stream.inbox.hand_over(self)

    # --- ByteStream ------------------------------------------------------------------------

    def observe(self, observer: Observer) -> None:
        """Tell ``observer`` of everything from now on."""
        self._observer = observer

    def write(self, data: Buffer) -> None:
        """Send ``data`` through the tunnel; dropped when our direction has ended."""
        if self._connection.can_send:
            self._connection.send_data(data)
            self.flush()

    def write_eof(self) -> None:
        """End our data with the close record."""
        if self._connection.can_send:
            self._connection.send_close()
            self.flush()

    def pause_reading(self) -> None:
        """Let no more data in; the peer is slowed down."""
        self._stream.pause_reading()

    def resume_reading(self) -> None:
        """Let data in again."""
        self._stream.resume_reading()

    def close(self) -> None:
        """Send what was written and the close record, then end the socket."""
        self.write_eof()
        self._stream.close()

    def abort(self, error: TunnelGatewayError) -> None:
        """End the tunnel and tell the peer why."""
        if self._worker_busy:
            self._stream.abort(error)
            return
        self._connection.abort(error)
        self._connection.events_received()
        self.flush()
        self._stream.close()

    def give_up(self) -> None:
        """Close the socket, whatever a worker still does with the connection."""
        self._stream.close()

    async def wait_closed(self) -> None:
        """Wait until the socket is closed and everything written is sent or lost."""
        await self._stream.wait_closed()

    @property
    def alive(self) -> bool:
        """Tell whether the socket is neither lost nor given up, and data may be sent."""
        return self._stream.alive and self._connection.can_send

    async def drained(self) -> None:
        """Wait until the system has everything that was written, or the socket is lost."""
        await self._stream.drained()

    def detach(self) -> tuple[int, asyncio.Future[None], OpenTunnel]:
        """Give the open tunnel to a new owner: its socket as SocketStream.detach does, its keys.

        Raises OSError, and changes nothing then, if the process has no descriptor left.
        """
        descriptor, closed = self._stream.detach()
        return descriptor, closed, self._connection.hand_over()

    # --- Observer of the socket ------------------------------------------------------------

    def data_received(self, data: Buffer) -> None:
        """Open records and pass their data on."""
        self._connection.receive_data(data)
        self._dispatch(self._connection.events_received())

    def eof_received(self) -> None:
        """The socket has ended: a truncation, except after the peer's close record."""
        self._connection.receive_eof()
        self._dispatch(self._connection.events_received())

    def pause_writing(self) -> None:
        """Pass back-pressure on."""
        if self._observer is not None:
            self._observer.pause_writing()

    def resume_writing(self) -> None:
        """Pass the end of back-pressure on."""
        if self._observer is not None:
            self._observer.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone. A peer that had closed has left, even if TCP reports a reset."""
        left = self._connection.state in (State.CLOSED, State.REMOTE_CLOSED)
        self._lost(None if left else error or TruncatedError("the connection was lost"))

    def _dispatch(self, events: list[Event]) -> None:
        for event in events:
            observer = self._observer
            if observer is None:
                return
            if isinstance(event, DataReceived):
                observer.data_received(event.data)
            elif isinstance(event, CloseReceived):
                observer.eof_received()
            elif isinstance(event, Failed):
                self.flush()
                self._stream.close()
                self._lost(event.error)

    def _lost(self, error: Exception | None) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.connection_lost(error)

    def flush(self) -> None:
        """Send what the connection has to send, after a call on it from outside."""
        data = self._connection.data_to_send()
        if data:
            self._stream.write(data)


def _failure(events: list[Event]) -> Exception:
    """Take the error out of ``events``: a frame and an error that hold each other are a cycle."""
    event = events.pop()
    return event.error if isinstance(event, Failed) else TypeError(f"{event} in a handshake")
