"""A port changes hands while clients connect all the time."""

from __future__ import annotations

import asyncio
import io
import socket
import sys
import threading
import time

import pytest

from tests.support.log_lines import read_records
from tests.support.loopback import LOOPBACK, TIME_LIMIT
from tunnel_gateway.transport.streams.listener import Listener
from tunnel_gateway.transport.streams.stream import SocketStream
from tunnel_gateway.transport.system import handover

linux = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: filters of Linux")


class Office:
    """One of those who listen on the port; greets whoever comes."""

    def __init__(self, port: int = 0, host: str = LOOPBACK) -> None:
        self.guests = 0
        self.listener = Listener(
            host, port, on_connection=self._greet, on_failure=print, shared=True
        )

    def _greet(self, stream: SocketStream) -> None:
        self.guests += 1
        stream.write(b"salom")
        stream.close()


class Visitors:
    """Threads that connect one time after another, and what became of it."""

    def __init__(self, port: int, count: int = 8, address: str = LOOPBACK) -> None:
        self.greeted = 0
        self.failures: list[str] = []
        self._lock = threading.Lock()
        self._enough = threading.Event()
        self._threads = [
            threading.Thread(target=self._visit, args=((address, port),)) for _ in range(count)
        ]
        for one in self._threads:
            one.start()

    def _visit(self, address: tuple[str, int]) -> None:
        while not self._enough.is_set():
            try:
                with socket.create_connection(address, TIME_LIMIT) as plain:
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
    # Each who left has connected once to the other, to find his own place.
    assert sum(one.guests for one in offices) == visitors.greeted + 3


@linux
@pytest.mark.parametrize("host", [LOOPBACK, "0.0.0.0", "::1", "::"])  # noqa: S104
@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_whoever_of_three_leaves_gets_no_more(
    host: str, leaving: int, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "LEAVING_SECONDS", 600)
    first = Office(host=host)
    port = first.listener.port
    offices = [first, Office(port, host), Office(port, host)]
    one = offices.pop(leaving)
    told = asyncio.Event()
    pick_others = handover.pick_others

    def tell(listening: socket.socket, place: int, count: int) -> None:
        pick_others(listening, place, count)
        told.set()

    monkeypatch.setattr(handover, "pick_others", tell)
    closing = asyncio.create_task(one.listener.close())
    await told.wait()
    before = one.guests
    visitors = Visitors(port, address="::1" if ":" in host else LOOPBACK)
    await visitors.more(100)
    await visitors.leave()
    assert one.guests == before
    assert all(office.guests > 10 for office in offices)
    closing.cancel()
    monkeypatch.setattr(handover, "LEAVING_SECONDS", 0)
    for office in (one, *offices):
        await office.listener.close()
    assert visitors.failures == []
    assert log.getvalue() == ""


@linux
async def test_who_joins_gets_his_share_after_another_has_left() -> None:
    offices = [Office()]
    port = offices[0].listener.port
    offices.append(Office(port))
    await offices[1].listener.close()  # from now on all would go to the first
    offices[1] = Office(port)
    visitors = Visitors(port)
    await visitors.more(200)
    await visitors.leave()
    assert all(office.guests > 10 for office in offices)
    for office in offices:
        await office.listener.close()
    assert visitors.failures == []


@linux
@linux
async def test_somebody_joins_while_another_leaves() -> None:
    """Who joins removes the program by which the other has left."""
    offices = [Office()]
    port = offices[0].listener.port
    offices.append(Office(port))
    visitors = Visitors(port)
    await visitors.more(100)
    closing = asyncio.create_task(offices[0].listener.close())
    await asyncio.sleep(handover.LEAVING_SECONDS / 2)
    offices.append(Office(port))
    await closing
    await visitors.more(100)
    await visitors.leave()
    assert visitors.failures == []
    for office in offices[1:]:
        await office.listener.close()


@linux
async def test_a_queue_that_nobody_had_time_for() -> None:
    """The process gets no processor while it leaves: then it is late, and clients wait."""
    one, other = Office(), None
    port = one.listener.port
    other = Office(port)
    closing = asyncio.create_task(one.listener.close())
    await asyncio.sleep(handover.LEAVING_SECONDS / 2)
    handover.pick_all(other.listener._socket)
    plain = [socket.create_connection((LOOPBACK, port)) for _ in range(64)]
    time.sleep(2 * handover.LEAVING_SECONDS)  # noqa: ASYNC251 - nothing else runs meanwhile
    await closing
    await other.listener.close()
    for each in plain:
        with each:
            assert await asyncio.to_thread(each.recv, 5) == b"salom"


async def test_who_is_alone_leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "LEAVING_SECONDS", 600)
    async with asyncio.timeout(TIME_LIMIT):
        await Office().listener.close()


@linux
async def test_who_has_begun_may_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    offices = [Office()]
    port = offices[0].listener.port
    offices.append(Office(port))
    for place in range(2):  # nobody of them has run since these connected
        handover.pick(offices[0].listener._socket, place)
        early = [socket.create_connection((LOOPBACK, port), TIME_LIMIT) for _ in range(10)]
        if place == 0:
            kept = early
    handover.pick_all(offices[0].listener._socket)
    await offices[0].listener.close()
    for one in (*kept, *early):
        with one:
            assert await asyncio.to_thread(one.recv, 5) == b"salom"
    await offices[1].listener.close()


async def test_where_the_system_cannot_be_told_it_is_said(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "_SO_ATTACH_REUSEPORT_CBPF", -1)
    offices = [Office()]
    offices.append(Office(offices[0].listener.port))
    await offices[0].listener.close()
    await offices[1].listener.close()
    (line,) = read_records(log.getvalue())
    assert (line["event"], line["level"]) == ("port_left_at_once", "warning")
    assert "not available" in line["detail"]
