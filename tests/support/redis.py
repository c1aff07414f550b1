"""A real Redis on a Unix socket, which can be killed, frozen and started again."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from tests.support.processes import wait_until


class RedisServer:
    """``url`` is where it listens, running or not; with a ``port`` it listens there too."""

    def __init__(self, folder: Path, password: str = "", port: int = 0) -> None:
        # Socket names are short (108 bytes), and pytest's folders are not.
        self._folder = folder
        self._path = folder / "r.sock"
        self._password = password
        self._port = port
        self.path = str(self._path)
        self.url = f"unix://{self._path}?db=0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start with nothing in it, and wait until it answers."""
        self._path.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                *("redis-server", "--port", str(self._port), "--bind", "127.0.0.1"),
                *("--unixsocket", str(self._path)),
                *("--save", "", "--appendonly", "no", "--dir", str(self._folder)),
                *(("--requirepass", self._password) if self._password else ()),
            ],
            stdout=subprocess.DEVNULL,
        )
        wait_until(self._answers, "Redis answers")

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as plain:
                plain.connect(str(self._path))
                plain.sendall(b"PING\r\n")
                return plain.recv(5)[:1] in (b"+", b"-")
        except OSError:
            return False

    def kill(self) -> None:
        """End it as a crash does: everything in it is forgotten."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it hang: connections stay open and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class Slow:
    """A proxy that keeps each answer back for ``delay`` seconds, in order."""

    def __init__(self, path: str, delay: float) -> None:
        self.delay = delay
        self.address = ""
        self._path = path

    @property
    def url(self) -> str:
        return f"redis://{self.address}/0"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        there, back = await asyncio.open_unix_connection(self._path)
        kept: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        with closing(writer), closing(back):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_back(there, kept))
                tasks.create_task(self._give(kept, writer))
                while data := await reader.read(65536):
                    back.write(data)
                raise ConnectionResetError

    async def _keep_back(
        self, there: asyncio.StreamReader, kept: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        loop = asyncio.get_running_loop()
        while data := await there.read(65536):
            kept.put_nowait((loop.time() + self.delay, data))
        raise ConnectionResetError

    async def _give(
        self, kept: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        while not writer.is_closing():
            when, data = await kept.get()
            await asyncio.sleep(max(0.0, when - loop.time()))
            writer.write(data)


@asynccontextmanager
async def slow(server: RedisServer, delay: float) -> AsyncIterator[Slow]:
    """Have a proxy in front of Redis whose answers are late."""
    proxy = Slow(server.path, delay)
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ExceptionGroup, OSError):
            await proxy.serve(reader, writer)

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections[asyncio.ensure_future(serve(reader, writer))] = writer

    listening = await asyncio.start_server(begin, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    proxy.address = f"{host}:{port}"
    try:
        async with listening:
            yield proxy
    finally:
        # Or they are found when the loop is closed, as an error of some later test.
        for one in connections:
            one.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        for writer in connections.values():  # also of a task that had not begun
            writer.close()
        await asyncio.sleep(0.01)  # until the loop has told the transports


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a Redis for one test."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is missing: scripts/system-packages --for-tests installs it")
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.kill()
