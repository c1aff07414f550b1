"""Work that may never end, for example reading a dead network share or a terminal.

Each such work has a thread of its own. The event loop's own threads are few, and the end of the
loop waits for them. Nothing waits for the threads here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

_T = TypeVar("_T")


def in_thread(work: Callable[[], _T]) -> asyncio.Future[_T]:
    """Start ``work`` in a thread that does not keep the process from ending.

    Returns a future of its result. A cancelled future does not end the thread: no system can do
    that. An error that nobody waits for is dropped.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def run() -> None:
        with suppress(RuntimeError):  # the loop is closed, so nothing waits for the result
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - the future has it
                loop.call_soon_threadsafe(settle, future.set_exception, error)
            else:
                loop.call_soon_threadsafe(settle, future.set_result, result)

    def settle(set_outcome: Callable[[Any], None], outcome: object) -> None:
        if not future.done():
            set_outcome(outcome)

    # Nobody may be waiting any more. Then asyncio would log the error as never retrieved.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    threading.Thread(target=run, name="waits", daemon=True).start()
    return future


def result_within(seconds: float, work: Callable[[], _T], otherwise: _T) -> _T:
    """Return the result of ``work``, which must not raise, or ``otherwise`` after ``seconds``."""
    results = [otherwise]

    def run() -> None:
        results.append(work())

    thread = threading.Thread(target=run, name="waits", daemon=True)
    thread.start()
    thread.join(seconds)
    return results[-1]
