"""The thread of the public-key work, and how much waits for it.

With more threads they wait for Python's lock more than they work. So all handshakes share one,
and sources take turns at it: a step waits for one step of each other source at most, however
many steps of one source wait.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any


class Workers:
    """One thread, and a line of steps for each source."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="public-key")
        self._lock = threading.Lock()
        # Who is next stands first; a source without a step that waits is not in it.
        self._lines: OrderedDict[str, deque[_Step]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many steps of handshakes wait for the thread."""
        with self._lock:
            return sum(map(len, self._lines.values()))

    def steps(self) -> Steps:
        """Return what runs the steps of one connection."""
        return Steps(self._add)

    def close(self) -> None:
        """Drop what waits, and end the thread when its step has ended."""
        with self._lock:
            dropped = [step for line in self._lines.values() for step in line]
            self._lines.clear()
        for step in dropped:
            step.future.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _add(self, source: str, step: _Step) -> None:
        with self._lock:
            self._lines.setdefault(source, deque()).append(step)
        self._thread.submit(self._run_next)

    def _run_next(self) -> None:
        with self._lock:
            if not self._lines:  # closed in between
                return
            source, line = self._lines.popitem(last=False)
            step = line.popleft()
            if line:
                self._lines[source] = line
        step.run()
        del step  # an error's traceback holds this frame, and the step's future holds the error


class Steps(Executor):
    """Runs the steps of one connection, in the turn of its ``source``.

    ``spent`` are the seconds of processor time that they took, of those that have ended.
    """

    def __init__(self, add: Callable[[str, _Step], None]) -> None:
        self._add = add
        self.source = ""
        self.spent = 0.0

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Let ``work`` be done in its turn."""
        step = _Step(self, lambda: work(*args, **kwargs))
        self._add(self.source, step)
        return step.future


class _Step:
    def __init__(self, owner: Steps, work: Callable[[], Any]) -> None:
        self.future: Future[Any] = Future()
        self._owner = owner
        self._work = work

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        started = time.thread_time()
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the future is awaited
            self._owner.spent += time.thread_time() - started
            self.future.set_exception(error)
            del self  # as in _run_next
        else:
            self._owner.spent += time.thread_time() - started
            self.future.set_result(result)
