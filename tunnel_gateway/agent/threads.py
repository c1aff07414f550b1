"""Work that may never end, for example reading a dead network share or a terminal.

Each such work has a thread of its own. The event loop's own threads are few, and the end of the
loop waits for them. Nothing waits for the threads here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

_T = TypeVar("_T")


def in_thread(work: Callable[[], _T]) -> asyncio.Future[_T]:
    """Start ``work`` in a thread that does not keep the process from ending.

    Returns a future of its result. A cancelled future does not end the thread: no system can do
    that.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def run() -> None:
        with suppress(RuntimeError):  # the loop is closed, so nothing waits for the result
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - the future has it
                loop.call_soon_threadsafe(_fail, future, error)
            else:
                loop.call_soon_threadsafe(_succeed, future, result)

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


def _succeed(future: asyncio.Future[_T], result: _T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[_T], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
