"""The lower bound: a TCP relay on uvloop without cryptography.

    python -m benchmarks.plain_relay PORT TARGET_PORT

All costs of a tunnel beyond this are costs of the tunnel itself. The end of data in one direction
ends both directions: the load never needs one direction longer than the other.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from typing import cast

import uvloop

from benchmarks.places import LOOPBACK

_BUFFER = 256 * 1024
_BACKLOG = 1024


class _End(asyncio.Protocol):
    """One socket of a pair: what it reads, the partner writes."""

    def __init__(self) -> None:
        self.partner: _End
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=_BUFFER, low=_BUFFER // 4)
        one = transport.get_extra_info("socket")
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self.partner.transport.write(data)

    def pause_writing(self) -> None:
        self.partner.transport.pause_reading()

    def resume_writing(self) -> None:
        self.partner.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (a protocol's)
        self.partner.transport.close()


async def _join(front: socket.socket, target_port: int) -> None:
    loop = asyncio.get_running_loop()
    near, far = _End(), _End()
    near.partner, far.partner = far, near
    try:
        # The far side first: it says nothing unasked, so nothing comes before the pair is whole.
        await loop.create_connection(lambda: far, LOOPBACK, target_port)
    except OSError:
        front.close()
        return
    try:
        await loop.connect_accepted_socket(lambda: near, front)
    except OSError:
        far.transport.abort()


async def relay(port: int, target_port: int) -> None:
    """Relay every connection to ``port`` of the loopback to ``target_port``, for ever."""
    loop = asyncio.get_running_loop()
    joining: set[asyncio.Task[None]] = set()
    with socket.create_server((LOOPBACK, port), backlog=_BACKLOG) as listening:
        listening.setblocking(False)
        while True:
            front, _ = await loop.sock_accept(listening)
            task = asyncio.create_task(_join(front, target_port))
            joining.add(task)
            task.add_done_callback(joining.discard)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        uvloop.run(relay(*map(int, sys.argv[1:3])))
