"""Lines through real pipes and terminals, with readers that stall, come back and go away."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.support.processes import TIME_LIMIT, wait_until
from tunnel_gateway.observability.lines import (
    MAX_WAITING,
    LineWriter,
    descriptor_of,
    descriptor_sink,
)

LINE = b"x" * 1023 + b"\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        with suppress(OSError):
            os.close(descriptor)


def drain(descriptor: int, into: bytearray) -> threading.Thread:
    # A descriptor of its own: the fixture closes the other, and the next test may get its number.
    own = os.dup(descriptor)

    def read() -> None:
        with suppress(OSError):
            while data := os.read(own, 65536):
                into.extend(data)
        os.close(own)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def fill(writer: LineWriter, descriptor: int, lines: int = 2 * MAX_WAITING // len(LINE)) -> None:
    for number in range(lines):
        writer.add(descriptor_sink(descriptor), b"%08d" % number + LINE[8:])


def test_a_process_that_ends_unread_leaves_no_half_line() -> None:
    line = b"a line that does not fill a page"
    program = (
        "from collections import deque\n"
        "from tunnel_gateway.observability.lines import write_all\n"
        f"write_all(1, deque([{line!r} + b'\\n'] * 10_000))"
    )
    with subprocess.Popen((sys.executable, "-c", program), stdout=subprocess.PIPE) as writing:
        assert writing.stdout is not None
        # Nearly all that the pipe holds: the write after it stands.
        wait_until(lambda: unread(writing.stdout.fileno()) > 60_000, "a full pipe")  # type: ignore[union-attr]
        writing.kill()
        *whole, last = writing.stdout.read().split(b"\n")
    assert set(whole) == {line}
    assert last == b""


def unread(descriptor: int) -> int:
    return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_order_is_kept(pipe: tuple[int, int]) -> None:
    received = bytearray()
    drain(pipe[0], received)
    writer = LineWriter()
    for number in range(5000):
        writer.add(descriptor_sink(pipe[1]), b"%d\n" % number)
    writer.flush(TIME_LIMIT)
    wait_until(lambda: received.endswith(b"4999\n"), "the last line")
    assert list(map(int, received.split())) == list(range(5000))
    assert (writer.ok, writer.lost_total) == (True, 0)


def test_a_reader_that_stalls_and_comes_back(pipe: tuple[int, int]) -> None:
    told: list[int] = []
    writer = LineWriter(told.append)
    began = time.process_time()
    fill(writer, pipe[1])
    assert time.process_time() - began < 10
    stalled = writer.ok
    lost = writer.lost_total
    assert lost > MAX_WAITING // len(LINE) // 2
    received = bytearray()
    drain(pipe[0], received)
    wait_until(lambda: told, "the number of the lost")
    count = 2 * MAX_WAITING // len(LINE) - lost
    wait_until(lambda: len(received) == count * len(LINE), "every other line")
    assert told == [lost]
    assert (stalled, writer.ok) == (False, True)
    numbers = [int(line[:8]) for line in received.splitlines()]
    assert numbers == list(range(count))  # the first ones, whole and in order
    writer.add(descriptor_sink(pipe[1]), b"again\n")
    wait_until(lambda: received.endswith(b"again\n"), "a line of later")
    assert writer.lost_total == lost


def test_a_terminal_after_ctrl_s() -> None:
    ours, theirs = pty.openpty()
    termios.tcflow(theirs, termios.TCOOFF)
    told: list[int] = []
    writer = LineWriter(told.append)
    fill(writer, theirs)
    assert not writer.ok
    began = time.monotonic()
    writer.flush(0.1)
    assert time.monotonic() - began < TIME_LIMIT / 2
    termios.tcflow(theirs, termios.TCOON)
    drain(ours, bytearray())
    wait_until(lambda: told == [writer.lost_total], "the number of the lost")
    os.close(theirs)
    os.close(ours)


def test_a_reader_that_has_gone(pipe: tuple[int, int]) -> None:
    told: list[int] = []
    writer = LineWriter(told.append)
    os.close(pipe[0])
    for count in (1, 2):
        writer.add(descriptor_sink(pipe[1]), LINE)
        writer.flush(TIME_LIMIT)
        assert (writer.ok, writer.lost_total) == (False, count)
    reading, writing = os.pipe()
    writer.add(descriptor_sink(writing), LINE)
    writer.flush(TIME_LIMIT)
    assert (writer.ok, told) == (True, [2])
    os.close(reading)
    os.close(writing)


def test_a_descriptor_that_somebody_made_non_blocking(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    writer = LineWriter()
    fill(writer, pipe[1], 500)
    received = bytearray()
    drain(pipe[0], received)
    writer.flush(TIME_LIMIT)
    wait_until(lambda: len(received) == 500 * len(LINE), "every line")
    assert writer.lost_total == 0


def test_a_sink_that_fails_does_not_end_the_thread() -> None:
    written: list[bytes] = []

    def broken(_: deque[bytes]) -> None:
        raise ZeroDivisionError

    def sound(lines: deque[bytes]) -> None:
        written.extend(lines)
        lines.clear()

    writer = LineWriter()
    for sink in (broken, sound):
        writer.add(sink, LINE)
    writer.flush(TIME_LIMIT)
    assert (written, writer.lost_total) == ([LINE], 1)


@pytest.mark.parametrize("reader", ["reads", "stalls"])
def test_the_end_of_a_process(reader: str) -> None:
    """The last lines are there, and who does not read them keeps nobody from ending."""
    statements = (
        "from tunnel_gateway.observability.lines import WRITER, descriptor_sink",
        "[WRITER.add(descriptor_sink(2), b'%08d' % n + b'x' * 91 + b'\\n') for n in range(5000)]",
    )
    program = subprocess.Popen(
        (sys.executable, "-c", "\n".join(statements)), stderr=subprocess.PIPE
    )
    if reader == "reads":
        lines = program.communicate(timeout=TIME_LIMIT)[1].splitlines()
        assert [int(line[:8]) for line in lines] == list(range(5000))
    assert program.wait(TIME_LIMIT) == 0
    assert program.stderr is not None
    program.stderr.close()


def test_what_has_a_descriptor(pipe: tuple[int, int]) -> None:
    assert descriptor_of(None) is None
    with os.fdopen(os.dup(pipe[1]), "w") as stream:
        assert descriptor_of(stream) == stream.fileno()
    assert descriptor_of(stream) is None


def test_who_logs_while_a_line_is_handed_over_waits_for_nobody(pipe: tuple[int, int]) -> None:
    """As what the search for garbage ends may do, at any point of ``add``."""
    writer, received = LineWriter(), bytearray()
    drain(pipe[0], received)

    def log_inside() -> None:
        with writer._change:
            writer.add(descriptor_sink(pipe[1]), b"from inside\n")

    thread = threading.Thread(target=log_inside, daemon=True)
    thread.start()
    thread.join(TIME_LIMIT)
    assert not thread.is_alive()
    writer.flush(TIME_LIMIT)
    wait_until(lambda: bytes(received) == b"from inside\n", "the line")


def test_a_line_that_is_too_long_costs_no_other(pipe: tuple[int, int]) -> None:
    received, told = bytearray(), list[int]()
    drain(pipe[0], received)
    writer = LineWriter(told.append)
    writer.add(descriptor_sink(pipe[1]), b"x" * (MAX_WAITING + 1))
    writer.add(descriptor_sink(pipe[1]), b"short\n")
    writer.flush(TIME_LIMIT)
    wait_until(lambda: bytes(received) == b"short\n", "the line")
    assert told == [1]
