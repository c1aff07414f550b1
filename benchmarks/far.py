"""The destination of every tunnel: takes a WebSocket upgrade, then does what its path says.

python -m benchmarks.far PORT

/echo      every byte comes back
/sink/N    N bytes are taken, then one is sent
/source/N  N bytes are sent
/both/N    N bytes are sent while N are taken, and one more is sent once they are
"""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from typing import cast

import uvloop

from benchmarks.places import LOOPBACK

SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_CHUNK = bytes(256 * 1024)


class _Application(asyncio.Protocol):
    def __init__(self) -> None:
        self._head = b""
        self._open = False
        self._echo = False
        self._to_take = 0
        self._to_send = 0
        self._writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=len(_CHUNK))
        one = transport.get_extra_info("socket")
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        if self._echo:
            self._transport.write(data)
        elif not self._open:
            self._read_head(data)
        else:
            self._send()
            if self._to_take:
                self._take(len(data))

    def _take(self, size: int) -> None:
        self._to_take -= size
        if not self._to_take:
            self._transport.write(b"D")

    def _read_head(self, data: bytes) -> None:
        self._head += data
        if not self._head.endswith(_END_OF_HEAD):
            return
        mode, _, number = self._head.split(b" ", 2)[1].removeprefix(b"/").partition(b"/")
        self._open = True
        self._transport.write(SWITCHED)
        self._echo = mode == b"echo"
        self._to_take = int(number) if mode in (b"sink", b"both") else 0
        self._to_send = int(number) if mode in (b"source", b"both") else 0

    def _send(self) -> None:
        while self._to_send and self._writable and not self._transport.is_closing():
            size = min(self._to_send, len(_CHUNK))
            self._to_send -= size
            self._transport.write(_CHUNK if size == len(_CHUNK) else _CHUNK[:size])

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._send()


async def serve(port: int) -> None:
    """Serve on a port of the loopback, for ever."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Application, LOOPBACK, port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        uvloop.run(serve(int(sys.argv[1])))
