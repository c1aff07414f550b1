"""A port changes hands while clients connect all the time."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading

import pytest

from tests.support.loopback import LOOPBACK, TIME_LIMIT
from tunnel_gateway.transport import handover
from tunnel_gateway.transport.handover import let_none_begin
from tunnel_gateway.transport.listener import Listener
from tunnel_gateway.transport.stream import SocketStream

linux = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: filters of Linux")


class Office:
    """One of those who listen on the port; greets whoever comes."""

    def __init__(self, port: int = 0) -> None:
        self.guests = 0
        self.listener = Listener(
            LOOPBACK, port, on_connection=self._greet, on_failure=print, shared=True
        )

    def _greet(self, stream: SocketStream) -> None:
        self.guests += 1
        stream.write(b"salom")
        stream.close()


class Visitors:
    """Threads that connect one time after another, and what became of it."""

    def __init__(self, port: int, count: int = 8) -> None:
        self.greeted = 0
        self.failures: list[str] = []
        self._lock = threading.Lock()
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=(port,)) for _ in range(count)]
        for one in self._threads:
            one.start()

    def _visit(self, port: int) -> None:
        while not self._enough.is_set():
            try:
                with socket.create_connection((LOOPBACK, port), TIME_LIMIT) as plain:
                    word = plain.recv(5)
                    result = "" if word == b"salom" else f"heard {word!r}"
            except OSError as error:
                result = repr(error)
            with self._lock:
                self.greeted += not result
                if result:
                    self.failures.append(result)

    async def more(self, count: int) -> None:
        wanted = self.greeted + count
        async with asyncio.timeout(TIME_LIMIT):
            while self.greeted < wanted and not self.failures:  # noqa: ASYNC110 (other threads)
                await asyncio.sleep(0.01)

    async def leave(self) -> None:
        self._enough.set()
        for one in self._threads:
            await asyncio.to_thread(one.join)


@linux
async def test_nobody_is_lost_while_a_port_changes_hands() -> None:
    offices = [Office()]
    port = offices[0].listener.port
    visitors = Visitors(port)
    await visitors.more(200)
    for _ in range(3):
        offices.append(Office(port))
        await visitors.more(100)
        await offices[-2].listener.close()
        await visitors.more(100)
    await visitors.leave()
    await offices[-1].listener.close()
    assert visitors.failures == []
    assert all(one.guests for one in offices)
    assert sum(one.guests for one in offices) == visitors.greeted


@linux
def test_who_has_begun_may_come_in() -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        listening.settimeout(TIME_LIMIT)
        with socket.create_connection(listening.getsockname(), TIME_LIMIT) as early:
            assert let_none_begin(listening)
            accepted, _ = listening.accept()
            with accepted:
                early.sendall(b"salom")
                assert accepted.recv(5) == b"salom"
        with socket.socket() as late:
            late.settimeout(0.3)
            with pytest.raises(TimeoutError):
                late.connect(listening.getsockname())


def test_where_there_are_no_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "_SO_ATTACH_FILTER", -1)
    with socket.create_server((LOOPBACK, 0)) as listening:
        assert not let_none_begin(listening)
        with socket.create_connection(listening.getsockname(), TIME_LIMIT):
            pass
