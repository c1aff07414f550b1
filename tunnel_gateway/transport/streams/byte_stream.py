"""A stream of bytes in both directions, and the observer that is told what happens on it.

A relay joins two of them: a TCP socket (``stream.SocketStream``) and a tunnel
(``channel.Channel``).
"""

from __future__ import annotations

from typing import Final, Protocol

from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.gost.frames import Buffer


class Observer(Protocol):
    """Gets a call for everything that happens on a byte stream."""

    def data_received(self, data: Buffer) -> None:
        """Bytes came in; they are valid during the call only."""

    def eof_received(self) -> None:
        """The other side's data has ended; ours may go on."""

    def pause_writing(self) -> None:
        """The write buffer is full: stop writing."""

    def resume_writing(self) -> None:
        """The write buffer has drained."""

    def connection_lost(self, error: Exception | None) -> None:
        """The stream is over, in both directions; without ``error`` we have closed it."""


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
        """Send all written data, then end both directions. Data that still come in are dropped."""

    def abort(self, error: TunnelGatewayError) -> None:
        """End both directions now, and tell the peer why if the stream has a way to do so."""

    async def wait_closed(self) -> None:
        """Wait until the stream is closed and everything written is sent or lost."""
