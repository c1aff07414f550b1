"""A protocol connection on a socket: the tunnel as a ByteStream.

First the handshake, step by step, its public-key work by ``workers``; then ``open``
turns the channel into a stream whose bytes go straight through. ``TunnelChannel`` is what the
channels of all protocols share; ``Channel`` is that of our own.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Generic, Protocol, TypeVar

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
from tunnel_gateway.protocol.stp.stp_connection import OpenStpTunnel, StpConnection
from tunnel_gateway.protocol.stp.stp_events import StpEvent
from tunnel_gateway.transport.streams.byte_stream import Observer
from tunnel_gateway.transport.streams.stream import SocketStream

_C = TypeVar("_C", bound=Connection | StpConnection)
_E = TypeVar("_E", bound=StpEvent)

# Never shown: the connection says how far the handshake had come.
LATE: Final = "the handshake was not over in time"


class Workers(Protocol):
    """Does the public-key work of handshakes, such as an executor."""

    def submit(
        self, work: Callable[[bytes], None], data: bytes, /
    ) -> Future[None] | asyncio.Future[None]:
        """Call ``work`` with ``data`` at some time."""


class TunnelChannel(ABC, Generic[_C]):
    """One end of a tunnel on ``stream``, in the protocol of its ``connection``.

    ``workers`` run the public-key work, a millisecond at a time; nothing else touches
    the connection meanwhile.
    """

    def __init__(self, stream: SocketStream, connection: _C, workers: Workers) -> None:
        self._stream = stream
        self._connection = connection
        self._workers = workers
        self._observer: Observer | None = None
        self._worker_busy = False

    # --- the handshake ---------------------------------------------------------------------

    @abstractmethod
    async def handshake(self) -> Proven:
        """Run the handshake until the peer is proven.

        Raises the error that ended it; the peer is told.
        """

    @abstractmethod
    def open(self, observer: Observer) -> None:
        """Let bytes flow: from now on ``observer`` is told of everything."""

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

    # --- ByteStream ------------------------------------------------------------------------

    def observe(self, observer: Observer) -> None:
        """Tell ``observer`` of everything from now on."""
        self._observer = observer

    def write(self, data: Buffer) -> None:
        """Send ``data`` through the tunnel; dropped when that is no longer possible."""
        if self._connection.can_send:
            self._connection.send_data(data)
            self.flush()

    @abstractmethod
    def write_eof(self) -> None:
        """End our data, as the protocol does."""

    @abstractmethod
    def close(self) -> None:
        """Send what was written, and end the tunnel."""

    @abstractmethod
    def abort(self, error: TunnelGatewayError) -> None:
        """End the tunnel, and tell the peer why where the protocol has a way to."""

    def pause_reading(self) -> None:
        """Let no more data in; the peer is slowed down."""
        self._stream.pause_reading()

    def resume_reading(self) -> None:
        """Let data in again."""
        self._stream.resume_reading()

    def give_up(self) -> None:
        """Close the socket, whatever a worker still does with the connection."""
        self._stream.close()

    async def wait_closed(self) -> None:
        """Wait until the socket is closed and everything written is sent or lost."""
        await self._stream.wait_closed()

    # --- for a new owner of the open tunnel ------------------------------------------------

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Tell whether the socket is neither lost nor given up, and the tunnel can be carried."""

    @property
    def unsent(self) -> int:
        """How many bytes that were written the system has not taken yet."""
        return self._stream.unsent

    async def drained(self) -> None:
        """Wait until the system has everything that was written, or the socket is lost."""
        await self._stream.drained()

    def detach(self) -> tuple[int, asyncio.Future[None], OpenTunnel | OpenStpTunnel]:
        """Give the open tunnel to a new owner: its socket as SocketStream.detach does, its keys.

        Raises OSError, and changes nothing then, if the process has no descriptor left.
        """
        descriptor, closed = self._stream.detach()
        return descriptor, closed, self._connection.hand_over()

    # --- Observer of the socket ------------------------------------------------------------

    @abstractmethod
    def data_received(self, data: Buffer) -> None:
        """Pass data on."""

    @abstractmethod
    def eof_received(self) -> None:
        """Pass the end of the socket on, as the protocol sees it."""

    @abstractmethod
    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""

    def pause_writing(self) -> None:
        """Pass back-pressure on."""
        if self._observer is not None:
            self._observer.pause_writing()

    def resume_writing(self) -> None:
        """Pass the end of back-pressure on."""
        if self._observer is not None:
            self._observer.resume_writing()

    def _lost(self, error: Exception | None) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.connection_lost(error)

    @abstractmethod
    def flush(self) -> None:
        """Send what the connection has to send, after a call on it from outside."""


AnyChannel = TunnelChannel[Any]


def error_of(events: list[_E]) -> Exception:
    """Take the error out of ``events``: a frame and an error that hold each other are a cycle."""
    event = events.pop()
    return event.error if isinstance(event, Failed) else TypeError(f"{event} in a handshake")


class Channel(TunnelChannel[Connection]):
    """One end of a tunnel of our own protocol."""

    # --- the handshake ---------------------------------------------------------------------

    async def handshake(self) -> Proven:
        """Run the handshake until the peer is proven.

        Raises the error that ended it; the peer has then been told.
        """
        inbox, deadline = self._stream.inbox, self._connection.next_deadline or 0.0
        try:
            # A worker's step is not interrupted: it ends by itself, and soon.
            with inbox.within(deadline - asyncio.get_running_loop().time(), LATE):
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

    def _outcome(self) -> Proven | None:
        """Return the event of the proven peer, None until then; raises the error that ended it."""
        self.flush()
        events = self._connection.events_received()
        if not events:
            return None
        if isinstance(events[0], Proven):
            return events[0]
        self._stream.close()
        raise error_of(events)

    def open(self, observer: Observer) -> None:
        """Let bytes flow: from now on ``observer`` is told of everything."""
        self._observer = observer
        self._stream.inbox.hand_over(self)

    # --- ByteStream ------------------------------------------------------------------------

    def write_eof(self) -> None:
        """End our data with the close record."""
        if self._connection.can_send:
            self._connection.send_close()
            self.flush()

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

    @property
    def alive(self) -> bool:
        """Tell whether the socket is neither lost nor given up, and data may be sent."""
        return self._stream.alive and self._connection.can_send

    # --- Observer of the socket ------------------------------------------------------------

    def data_received(self, data: Buffer) -> None:
        """Open records and pass their data on."""
        self._connection.receive_data(data)
        self._dispatch(self._connection.events_received())

    def eof_received(self) -> None:
        """The socket has ended: a truncation, except after the peer's close record."""
        self._connection.receive_eof()
        self._dispatch(self._connection.events_received())

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

    def flush(self) -> None:
        """Send what the connection has to send, after a call on it from outside."""
        data = self._connection.data_to_send()
        if data:
            self._stream.write(data)
