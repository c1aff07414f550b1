"""Accepting a connection so that none is lost when the task that waits is cancelled."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from tunnel_gateway.transport.streams.stream import Address


async def accept(listening: socket.socket) -> tuple[socket.socket, Address]:
    """Return the next connection and the address it comes from; raises OSError.

    ``loop.sock_accept`` puts the connection into a future. A task that is cancelled before it takes
    it from there would lose it. Here the task itself accepts, and returns at once.
    """
    while True:
        # No connection waits: another process that shares the port may have taken it.
        with suppress(BlockingIOError, InterruptedError):
            connection, address = listening.accept()
            connection.setblocking(False)
            return connection, address
        await _readable(listening)


async def _readable(listening: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    loop.add_reader(listening, _wake, readable)
    try:
        await readable
    finally:
        loop.remove_reader(listening)


def _wake(readable: asyncio.Future[None]) -> None:
    if not readable.done():  # the loop may call this again before the task takes its turn
        readable.set_result(None)
