"""The thread that writes the lines of the log, so that a slow reader of the log stops nothing.

write(2) can block for any time: on a pipe whose reader has stopped, on a terminal after Ctrl-S, on
the journal's socket, on a network share that is gone. So the caller only hands a line over. Lines
wait in memory, in order, up to `MAX_WAITING` bytes. After that, lines are lost and counted until
all waiting lines are written. Then one line says how many were lost.

A non-blocking descriptor would not help: the shell and other processes share the descriptor, and
writing to a file blocks in any case.
"""

from __future__ import annotations

import atexit
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Final, TextIO

MAX_WAITING: Final = 1 << 20
# The bytes that one write takes, and the time that the end of the process waits for its last lines.
_BATCH: Final = 1 << 16
_LAST_SECONDS: Final = 1.0
# The bytes that a pipe takes as a whole or not at all.
_WHOLE: Final[int] = getattr(select, "PIPE_BUF", 512)
# After a write the thread rests so long. Lines that come meanwhile are written together: waking the
# thread for each of them costs more than making the line.
_REST_SECONDS: Final = 0.02

# Writes lines and removes each written line from the deque. If it raises OSError, the deque has the
# lines that are not written.
Sink = Callable[[deque[bytes]], object]


class LineWriter:
    """Writes lines to sinks in a thread of its own. The first line starts it. ``add`` never waits.

    ``lost_total`` counts the lines that no sink has written. When lines can be written again, the
    thread calls ``tell_lost`` with the number of lines that were lost since its last call.
    """

    def __init__(self, tell_lost: Callable[[int], object] = lambda _: None) -> None:
        self.tell_lost = tell_lost
        self.lost_total = 0
        self._lost = 0  # since the last call of tell_lost
        self._waiting = 0  # bytes
        self._full = False
        # The search for garbage can run anywhere, also while a thread has this lock, and an object
        # that it ends may log a line. So the lock is reentrant, and is held only for moments.
        self._change = threading.RLock()
        self._queue: SimpleQueue[tuple[Sink, bytes]] = SimpleQueue()
        self._started = False

    @property
    def ok(self) -> bool:
        """Whether no line was lost since the last call of ``tell_lost``."""
        return not self._lost

    def add(self, sink: Sink, line: bytes) -> None:
        """Hand a line over to the thread, or count it as lost."""
        size = len(line)
        with self._change:
            # If no line waits, the thread writes nothing, so it cannot end the state of being full.
            self._full = self._full and self._waiting > 0
            self._full = self._full or self._waiting + size > MAX_WAITING
            if self._full:
                self._lost += 1
                self.lost_total += 1
                return
            self._waiting += size
            if not self._started:
                self._started = True
                atexit.register(self.flush)
                threading.Thread(target=self._run, name="lines", daemon=True).start()
        self._queue.put((sink, line))

    def flush(self, seconds: float = _LAST_SECONDS) -> None:
        """Wait until all lines so far are written, at most ``seconds``."""
        if self._started:
            written = threading.Event()
            self._queue.put((lambda _: written.set(), b""))
            written.wait(seconds)

    # --- in the thread ---------------------------------------------------------------------

    def _run(self) -> None:
        following: tuple[Sink, bytes] | None = None
        while True:
            sink, line = following or self._queue.get()
            lines, following = self._batch(sink, line)
            self._write(sink, lines)
            if following is None:
                time.sleep(_REST_SECONDS)

    def _batch(self, sink: Sink, line: bytes) -> tuple[deque[bytes], tuple[Sink, bytes] | None]:
        """Return the line with the next lines for the same sink, and the line after them."""
        lines, size = deque((line,)), len(line)
        while size < _BATCH:
            try:
                following = self._queue.get_nowait()
            except Empty:
                break
            if following[0] is not sink:
                return lines, following
            lines.append(following[1])
            size += len(following[1])
        return lines, None

    def _write(self, sink: Sink, lines: deque[bytes]) -> None:
        size = sum(map(len, lines))
        if not size:  # the empty line of `flush`
            sink(lines)
            return
        with suppress(Exception):  # lines may be lost, but this thread must go on
            sink(lines)
        failed = len(lines)
        with self._change:
            self._waiting -= size
            self._lost += failed
            self.lost_total += failed
            if self._waiting or failed:
                self._full = self._full and self._waiting > 0
                return
            lost, self._lost, self._full = self._lost, 0, False
        if lost:
            self.tell_lost(lost)


def write_all(descriptor: int, lines: deque[bytes]) -> None:
    """Write lines to a descriptor, even if another process made it non-blocking. Raises OSError.

    A write of at most PIPE_BUF bytes to a pipe is whole or has not begun (POSIX, write). So a
    process that ends while nobody reads leaves no half line.
    """
    while lines:
        count, size = 1, len(lines[0])
        while count < len(lines) and size + len(lines[count]) <= _WHOLE:
            size += len(lines[count])
            count += 1
        _write_whole(descriptor, b"".join(islice(lines, count)))
        for _ in range(count):
            lines.popleft()


def _write_whole(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            ready = select.poll()
            ready.register(descriptor, select.POLLOUT)
            ready.poll()


@cache
def descriptor_sink(descriptor: int) -> Sink:
    """Return the sink of a descriptor: the same object each time, so that lines join to batches."""
    return partial(write_all, descriptor)


WRITER: Final = LineWriter()


def descriptor_of(stream: TextIO | None) -> int | None:
    """Return the descriptor of a stream; None for a stream in memory, a closed one, or None."""
    try:
        return stream.fileno() if stream else None
    except (OSError, ValueError):
        return None
