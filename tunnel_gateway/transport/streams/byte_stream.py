"""What a relay joins: a stream of bytes in both directions, and who is told what happens on it.

A TCP socket is one (``stream.SocketStream``), a tunnel the other (``channel.Channel``).
"""

from __future__ import annotations

from typing import Final, Protocol

from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.gost.frames import Buffer


class Observer(Protocol):
    """Who is told what happens on a byte stream."""

    def data_received(self, data: Buffer) -> None:
        """Bytes came in; they are there during the call only."""

    def eof_received(self) -> None:
        """The other side's data has ended; ours may go on."""

    def pause_writing(self) -> None:
        """The write buffer is full: stop writing."""

    def resume_writing(self) -> None:
        """The write buffer has drained."""

    def connection_lost(self, error: Exception | None) -> None:
        """The stream is over, in both directions; None if it was we who closed it."""


class _Nobody:
    """Does nothing: for the rest of a stream whose end is decided."""

    def data_received(self, data: Buffer) -> None:
        """Drop it."""

    def eof_received(self) -> None:
        """It is closed anyway."""

    def pause_writing(self) -> None:
        """Nobody writes."""

    def resume_writing(self) -> None:
        """Nobody waits."""

    def connection_lost(self, error: Exception | None) -> None:
        """It was given up before."""


NOBODY: Final[Observer] = _Nobody()


class ByteStream(Protocol):
    """Bytes in both directions, each of which ends on its own."""

    def observe(self, observer: Observer) -> None:
        """Tell ``observer`` of everything from now on."""

    def write(self, data: Buffer) -> None:
        """Send ``data``; never blocks, see Observer.pause_writing."""

    def write_eof(self) -> None:
        """End our data once what was written is on its way."""

    def pause_reading(self) -> None:
        """Let no more data in; the peer is slowed down."""

    def resume_reading(self) -> None:
        """Let data in again."""

    def close(self) -> None:
        """Send what was written, then end both directions; what still comes in is dropped."""

    def abort(self, error: TunnelGatewayError) -> None:
        """End both directions now; the peer is told why where the stream can."""
