"""The thread of the public-key work, and the steps that wait for it.

More threads would wait for Python's lock more than they work. So all handshakes share one thread,
and source addresses take turns: a step waits for at most one step of each other source, even if
many steps of one source wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from tunnel_gateway.daemon.source_lines import SourceLines


class Workers:
    """One thread, and a line of steps for each source."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="public-key")
        self._lock = threading.Lock()
        self._lines: SourceLines[_Step] = SourceLines()

    @property
    def waiting(self) -> int:
        """How many steps of handshakes wait for the thread."""
        with self._lock:
            return len(self._lines)

    def steps(self) -> Steps:
        """Return an executor for the steps of one connection."""
        return Steps(self._add)

    def close(self) -> None:
        """Cancel the waiting steps, and end the thread when its present step has ended."""
        with self._lock:
            dropped = self._lines.clear()
        for step in dropped:
            step.future.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _add(self, source: str, step: _Step) -> None:
        with self._lock:
            self._lines.add(source, step)
        self._thread.submit(self._run_next)

    def _run_next(self) -> None:
        with self._lock:
            step = self._lines.take()
        if step is None:  # `close` has removed it
            return
        step.run()
        del step  # an error's traceback holds this frame, and the step's future holds the error


class Steps(Executor):
    """Runs the steps of one connection, in the turn of its ``source``.

    ``spent`` is the processor time, in seconds, of the steps that have ended.
    """

    def __init__(self, add: Callable[[str, _Step], None]) -> None:
        self._add = add
        self.source = ""
        self.spent = 0.0

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``work`` in the turn of the source."""
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
