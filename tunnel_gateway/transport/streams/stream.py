"""One TCP socket as a ByteStream, with half-close and back-pressure."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Self, cast

from tunnel_gateway.config.values import join_host_and_port
from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.transport.streams.byte_stream import Observer
from tunnel_gateway.transport.streams.inbox import Inbox

# Unsent data above this pause the other side: this bounds the memory of a slow peer.
WRITE_BUFFER_HIGH = 256 * 1024
# Sixteen records: they are opened in one batch, which is faster than one by one.
RECEIVE_BUFFER = 256 * 1024
# How long close() waits for a slow peer to take what was written.
FLUSH_SECONDS = 30.0
# How long close() then waits for the peer to end its side too. Closing a socket with unread bytes
# resets it, and a reset can overtake the alert that was written last.
LINGER_SECONDS = 2.0
# A dead peer is noticed in about two minutes, also while data waits to be acknowledged.
# Not every system has all of these.
_KEEPALIVE: Final = {
    "TCP_KEEPIDLE": 60,  # seconds
    "TCP_KEEPALIVE": 60,  # seconds; what macOS calls it
    "TCP_KEEPINTVL": 20,  # seconds
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 120_000,  # milliseconds
}
_OPTIONS: Final = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in _KEEPALIVE.items()
        if hasattr(socket, name)
    ),
)

Address = tuple[str, int] | tuple[str, int, int, int]


class _ReceiveBuffer(threading.local):
    """The buffer into which all sockets of a loop receive, one after the other."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(RECEIVE_BUFFER))


_receive_buffer = _ReceiveBuffer()


class SocketStream(asyncio.BufferedProtocol):
    """A ByteStream on a TCP socket. Until it is observed, ``inbox`` keeps what comes in.

    ``peer`` is the address of the other side if it is known already. ``configured``: the socket
    has the options of `configure_socket`.
    """

    def __init__(self, peer: Address | None = None, *, configured: bool = False) -> None:
        self.inbox: Inbox
        self._observer: Observer | None = None
        self._peername = peer
        self._configured = configured
        self._transport: asyncio.Transport
        self._ending = False
        self._closing = False
        self._eof_received = False
        self._paused = False
        self._received = _receive_buffer.view
        self._quick = False
        self.received = False  # whether any byte of the stream ever came in
        self._linger: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._lost: asyncio.Future[None] = self._loop.create_future()

    @classmethod
    async def of(cls, connection: socket.socket, *arguments: Any, **named: Any) -> Self:
        """Make a stream of a connection that was accepted; raises OSError if it is gone.

        The connection is the stream's from now on: it is closed if no stream can be made.
        """
        loop = asyncio.get_running_loop()
        stream = cls(*arguments, **named)
        try:
            await loop.connect_accepted_socket(lambda: stream, connection)
        except BaseException:
            stream.not_made()
            connection.close()
            raise
        return stream

    def not_made(self) -> None:
        """Let go of the transport: the task that makes the stream was cancelled, or has failed.

        uvloop then closes the socket and never calls ``connection_lost``, so that transport and
        stream would keep each other in memory, and ``wait_closed`` would wait for ever.
        """
        self.__dict__.pop("_transport", None)
        self.connection_lost(None)

    # --- ByteStream ------------------------------------------------------------------------

    def observe(self, observer: Observer) -> None:
        """Tell ``observer`` of everything from now on."""
        self._observer = observer

    def write(self, data: Buffer) -> None:
        """Send ``data``; never blocks, see Observer.pause_writing. A lost stream drops it."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def write_eof(self) -> None:
        """End our data once what was written is on its way."""
        self._ending = True
        self._shut_down_when_written()

    def pause_reading(self) -> None:
        """Let no more data in; the peer is slowed down."""
        self._paused = True
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Let data in again."""
        self._paused = False
        self._read_on()

    def _read_on(self) -> None:
        # Reading on after the end of the data would report that end a second time.
        if not (self._paused or self._eof_received or self._transport.is_closing()):
            self._transport.resume_reading()

    def close(self) -> None:
        """Send all written data, then end both directions. Data that still come in are dropped."""
        if self._closing:
            return
        self._closing = True
        if self._lost.done():
            return
        self._abort_after(FLUSH_SECONDS if self.unsent else LINGER_SECONDS)
        if self._eof_received:
            self._transport.close()
            return
        self.resume_reading()
        self.write_eof()

    def abort(self, error: TunnelGatewayError) -> None:  # noqa: ARG002 (TCP cannot say why)
        """End both directions now."""
        self._transport.abort()

    @property
    def alive(self) -> bool:
        """Tell whether the stream is neither lost nor given up."""
        return not self._transport.is_closing()

    # --- for the owner ---------------------------------------------------------------------

    @property
    def peer(self) -> Address | None:
        """The address of the other side; None if it was gone before it could be asked for."""
        return self._peername

    @property
    def local(self) -> Address | None:
        """Our own address, the one that the other side has connected to; None as above."""
        address: Address | None = self._transport.get_extra_info("sockname")
        return address

    def header_received(self, rest: bytes) -> None:
        """Take back what came after a header that is not part of the stream itself."""
        self.received = bool(rest)
        self.inbox.unread(rest)

    @property
    def unsent(self) -> int:
        """How many bytes that were written the system has not taken yet."""
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def acknowledge_at_once(self) -> None:
        """Acknowledge all that comes in without a delay, because the peer waits for it."""
        self._quick = True

    def call_when_lost(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` once the socket is closed."""
        self._lost.add_done_callback(lambda _: callback())

    async def wait_closed(self) -> None:
        """Wait until the socket is closed and everything written is sent or lost."""
        await asyncio.shield(self._lost)

    async def drained(self) -> None:
        """Wait until the system has everything that was written, or the stream is lost."""
        if not self.unsent:
            return
        self._drained = self._loop.create_future()
        self._transport.set_write_buffer_limits(high=0)  # as in _shut_down_when_written
        try:
            await self._drained
        finally:
            self._drained = None
            if not self._transport.is_closing():
                self._limit_unsent_data()

    def detach(self) -> tuple[int, asyncio.Future[None]]:
        """Give the socket to a new owner; the stream is over, and its peer sees nothing of it.

        Wait for ``drained`` first, and take what the inbox holds. Returns a descriptor of the
        socket, and a future that the new owner sets when it has closed the socket: this calls
        those who wait for the end of the stream. Raises OSError, and changes nothing then, if the
        process has no descriptor left.
        """
        descriptor = os.dup(self._transport.get_extra_info("socket").fileno())
        closed, self._lost = self._lost, self._loop.create_future()
        self._observer = None
        # Closing one of two descriptors sends nothing.
        self._transport.abort()
        return descriptor, closed

    # --- asyncio.Protocol ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the socket up."""
        self.inbox = Inbox(self)
        # uvloop's transport has the methods of asyncio.Transport, but not the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._limit_unsent_data()
        self._peername = self._peername or transport.get_extra_info("peername")
        if not self._configured:
            borrowed = _borrowed_socket(transport)
            try:
                configure_socket(borrowed)
            finally:
                borrowed.detach()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 (always as large as can be)
        """Return where to receive to: ``buffer_updated`` follows before another socket asks."""
        if self._quick:
            borrowed = _borrowed_socket(self._transport)
            try:
                _acknowledge_now(borrowed)
            finally:
                borrowed.detach()
        return self._received

    def buffer_updated(self, nbytes: int) -> None:
        """Pass bytes on."""
        self.received = True
        if self._observer is not None and not self._closing:
            self._observer.data_received(self._received[:nbytes])
        full = nbytes == len(self._received)
        if full and not (self._paused or self._transport.is_closing()):
            # There is more, and libuv would take 32 times as much before the next socket's turn.
            self._transport.pause_reading()
            self._loop.call_soon(self._read_on)

    def eof_received(self) -> bool:
        """Pass the end of data on, and keep our direction open."""
        self._eof_received = True
        if self._closing:
            self._transport.close()
        elif self._observer is not None:
            self._observer.eof_received()
        return True

    def pause_writing(self) -> None:
        """Pass back-pressure on."""
        if self._observer is not None:
            self._observer.pause_writing()

    def resume_writing(self) -> None:
        """Pass the end of back-pressure on."""
        if self._ending:
            self._shut_down_when_written()
        self._drain_is_over()
        if self._observer is not None:
            self._observer.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the end of the stream on."""
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        self._drain_is_over()
        if not self._lost.done():
            self._lost.set_result(None)
        if self._observer is not None:
            self._observer.connection_lost(exc)
            self._observer = None

    def _limit_unsent_data(self) -> None:
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_HIGH, low=WRITE_BUFFER_HIGH // 4)

    def _drain_is_over(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _shut_down_when_written(self) -> None:
        transport = self._transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size():
            # A limit of zero makes resume_writing come when the buffer is empty.
            transport.set_write_buffer_limits(high=0)
            return
        if self._closing:
            self._abort_after(LINGER_SECONDS)
        # Not transport.write_eof(): after eof_received() it crashes uvloop under churn.
        borrowed = _borrowed_socket(transport)
        with suppress(OSError):  # if the peer has reset it: connection_lost follows
            borrowed.shutdown(socket.SHUT_WR)
        borrowed.detach()

    def _abort_after(self, seconds: float) -> None:
        if self._linger is not None:
            self._linger.cancel()
        self._linger = self._loop.call_later(seconds, self._transport.abort)


def _borrowed_socket(transport: asyncio.BaseTransport) -> socket.socket:
    """Return the transport's own descriptor as a socket, for the caller to ``detach``.

    A duplicate could fail for want of a descriptor. uvloop's socket object cannot shut down, and
    asks the system what it is at every call.
    """
    descriptor = transport.get_extra_info("socket").fileno()
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, descriptor)


def configure_socket(sock: socket.socket) -> None:
    """Send small messages at once, and notice a peer that is gone.

    On Linux the connections that a listening socket accepts have its options.
    """
    for level, option, value in _OPTIONS:
        sock.setsockopt(level, option, value)


def _acknowledge_now(sock: socket.socket) -> None:
    """Linux forgets this after a while, so it is set before each read."""
    if option := getattr(socket, "TCP_QUICKACK", None):
        sock.setsockopt(socket.IPPROTO_TCP, option, 1)


def format_address(address: Address | None) -> str:
    """Return ``host:port``, with brackets round an IPv6 host; ``unknown`` for none."""
    return join_host_and_port(address[0], address[1]) if address else "unknown"
