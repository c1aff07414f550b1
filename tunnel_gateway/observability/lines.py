"""The thread that writes what this process says, so that nobody waits for who reads it.

A pipe whose reader stalls, a terminal after Ctrl-S, the journal's socket, a file on a share that is
away: each lets write(2) stand for as long as it likes. So a line is handed over and nothing more.
Lines wait in memory, in order, up to `MAX_WAITING` bytes. What comes while no more can wait is lost
and counted until all that waited is written; then one line says how many there were.

To make the descriptor non-blocking would not do: it is shared with the shell and with other
processes, and files know no such thing.
"""

from __future__ import annotations

import atexit
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from queue import Empty, SimpleQueue
from typing import Final, TextIO

MAX_WAITING: Final = 1 << 20
# What is written at once, and how long the end of the process may wait for its last lines.
_BATCH: Final = 1 << 16
_LAST_SECONDS: Final = 1.0

# Writes lines and takes each that is written out of the deque; raises OSError with the rest in it.
Sink = Callable[[deque[bytes]], object]


class LineWriter:
    """Hands lines to sinks in a thread of its own, from the first one on. ``add`` never waits.

    ``lost_total`` counts the lines that no sink took. ``tell_lost`` is called in the thread with
    their number since the last time, when lines are taken again.
    """

    def __init__(self, tell_lost: Callable[[int], object] = lambda _: None) -> None:
        self.tell_lost = tell_lost
        self.lost_total = 0
        self._lost = 0  # since that was told
        self._waiting = 0  # bytes
        self._full = False
        # The search for garbage runs wherever it likes, and what it ends may have something to say:
        # so a thread may come again, and as little as can be is done while it has this.
        self._change = threading.RLock()
        self._queue: SimpleQueue[tuple[Sink, bytes]] = SimpleQueue()
        self._started = False

    @property
    def ok(self) -> bool:
        """Whether lines are taken."""
        return not self._lost

    def add(self, sink: Sink, line: bytes) -> None:
        """Have a line written, or count it as lost."""
        size = len(line)
        with self._change:
            # If none wait, nothing is written that would end the state of being full.
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
        """Wait until what was added so far is written, but not longer than ``seconds``."""
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

    def _batch(self, sink: Sink, line: bytes) -> tuple[deque[bytes], tuple[Sink, bytes] | None]:
        """Return the line with those of its sink that wait behind it, and what follows them."""
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
        if not size:  # that is `flush`
            sink(lines)
            return
        with suppress(Exception):  # lines may be lost, and this thread not
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
    """Write lines to a descriptor, whether or not somebody made it non-blocking. Raises OSError."""
    rest = memoryview(b"".join(lines))
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            ready = select.poll()
            ready.register(descriptor, select.POLLOUT)
            ready.poll()
    lines.clear()


@cache
def descriptor_sink(descriptor: int) -> Sink:
    """Return the sink of a descriptor, the same one each time."""
    return partial(write_all, descriptor)


WRITER: Final = LineWriter()


def descriptor_of(stream: TextIO | None) -> int | None:
    """Return the descriptor of a stream; None for one in memory, for a closed one and for none."""
    try:
        return stream.fileno() if stream else None
    except (OSError, ValueError):
        return None
