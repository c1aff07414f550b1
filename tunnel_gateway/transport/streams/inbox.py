"""An observer for the parts of a connection that are read step by step: handshakes and heads."""

from __future__ import annotations

import asyncio

from tunnel_gateway.errors import TimedOutError, TruncatedError
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.kept_errors import again
from tunnel_gateway.transport.streams.byte_stream import ByteStream, Observer

# More than the largest step (a certificate flight, a request's head) needs.
LIMIT = 64 * 1024


class Inbox:
    """Keeps what comes in until ``receive`` asks for it; a full one slows the peer down."""

    def __init__(self, stream: ByteStream) -> None:
        # None after the stream went to another observer or was lost: otherwise the stream and its
        # inbox would be a cycle in memory.
        self._stream: ByteStream | None = stream
        self._data = bytearray()
        self._paused = False
        self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None  # lighter than an Event for each tunnel
        self._wanted = 1
        self._overdue: str | None = None  # the fault of a time limit that was reached
        # Done once the stream is lost, whatever still waits here; ``check`` raises why.
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        stream.observe(self)

    @property
    def silent(self) -> bool:
        """Tell whether nothing waits here and more can come in."""
        return not self._data and not self._ended

    async def receive(self) -> bytes:
        """Return what has come in, at least one byte, or ``b""`` at the end of the data.

        Raises what ended the stream when it is lost, TruncatedError if there was no reason.
        """
        await self._wait(1)
        if not self._data:
            self.check()
        return self.take()

    async def receive_exactly(self, size: int) -> bytes:
        """Return the next ``size`` bytes, or ``b""`` if the data end before all are there.

        Nobody is woken for a part of them. Raises as ``receive`` does.
        """
        await self._wait(size)
        if len(self._data) < size:
            self.check()
            return b""
        return self.take(size)

    async def _wait(self, size: int) -> None:
        self._wanted = size
        while len(self._data) < size and not self._ended:
            self._check_time()
            self._waiter = self._loop.create_future()
            await self._waiter

    async def wait(self, other: asyncio.Future[None]) -> None:
        """Wait until something has come in, the data have ended, or ``other`` is done."""
        if not self.silent or other.done():
            return
        self._check_time()
        self._wanted = 1
        self._waiter = self._loop.create_future()
        other.add_done_callback(self._wake_for)
        try:
            await self._waiter
        finally:
            other.remove_done_callback(self._wake_for)
        if self.silent and not other.done():
            self._check_time()

    def within(self, seconds: float, fault: str) -> _TimeLimit:
        """Give a with block so many seconds: then a wait here raises TimedOutError(``fault``).

        Only the waits end, and not the work between them. Time limits are not nested.
        """
        return _TimeLimit(self._loop, self, seconds, fault)

    def expire(self, fault: str | None) -> None:
        """End this wait, or the next one, with TimedOutError(``fault``); None: no longer."""
        self._overdue = fault
        if fault is not None:
            self._wake()

    def _check_time(self) -> None:
        if self._overdue is not None:
            raise TimedOutError(self._overdue)

    def check(self) -> None:
        """Raise what ended the stream if it is lost by now."""
        if self._error is not None:
            raise again(self._error)  # the frames of a raised one lead back to this inbox

    def take(self, size: int | None = None) -> bytes:
        """Return the bytes that have come in so far, at most ``size``, perhaps none."""
        with memoryview(self._data) as view:
            data = bytes(view[:size])
        del self._data[:size]
        # Not while it is still full: each small step would let one more read of the socket in.
        if self._paused and len(self._data) <= LIMIT:
            self._paused = False
            if self._stream is not None:
                self._stream.resume_reading()
        return data

    def unread(self, data: bytes) -> None:
        """Put back the last bytes of what ``receive`` returned."""
        self._data[:0] = data
        self._pause_if_full()

    def hand_over(self, observer: Observer) -> None:
        """Let ``observer`` have the stream from now on, and first all that waits here."""
        if self._stream is not None:
            self._stream.observe(observer)
        waiting = self.take()
        self._stream = None
        if waiting:
            observer.data_received(waiting)
        if self._error is not None:
            observer.connection_lost(self._error)
        elif self._ended:
            observer.eof_received()

    # --- Observer --------------------------------------------------------------------------

    def data_received(self, data: Buffer) -> None:
        """Keep bytes."""
        self._data += data
        self._pause_if_full()
        if len(self._data) >= self._wanted:
            self._wake()

    def eof_received(self) -> None:
        """Keep the end of the data."""
        self._ended = True
        self._wake()

    def pause_writing(self) -> None:
        """Nothing: steps write less than a buffer holds."""

    def resume_writing(self) -> None:
        """Nothing: see pause_writing."""

    def connection_lost(self, error: Exception | None) -> None:
        """Keep why the stream was lost."""
        self._ended = True
        self._stream = None
        self._error = error or TruncatedError("the connection was lost")
        self._wake()
        if not self.lost.done():
            self.lost.set_result(None)

    def _pause_if_full(self) -> None:
        if len(self._data) > LIMIT and not self._paused:
            self._paused = True
            if self._stream is not None:
                self._stream.pause_reading()

    def _wake_for(self, _: asyncio.Future[None]) -> None:
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class _TimeLimit:
    """A block with one timer, because every connection has three such blocks."""

    __slots__ = ("_fault", "_inbox", "_loop", "_seconds", "_timer")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, inbox: Inbox, seconds: float, fault: str
    ) -> None:
        self._loop = loop
        self._inbox = inbox
        self._seconds = seconds
        self._fault = fault

    def __enter__(self) -> None:
        seconds = max(self._seconds, 0.0)
        self._timer = self._loop.call_later(seconds, self._inbox.expire, self._fault)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._inbox.expire(None)
