"""The background work of a program, all the time beside its tunnels. It never stops unseen.

Background work is a coroutine function that works once and then waits until the work is due again:
a round. A task runs round after round: the loop. Nobody waits for this task, so nobody would notice
its end. There is one policy for all loops: a round that fails is logged and counted, and the next
round comes after a delay. A loop ends only if it is cancelled, or if it is no longer wanted.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, Literal, get_args

from tunnel_gateway.observability.logs import get_logger

log = get_logger(__name__)

Loop = Literal[
    "accept",
    "audit",
    "certificate",
    "challenges",
    "circuits",
    "collector",
    "expiry",
    "fleet",
    "keys",
    "loop_lag",
    "memory",
    "mobile_documents",
    "ports",
    "probes",
    "reload",
    "rest_connections",
    "revocation_cache",
    "revocation_data",
    "revoked_tunnels",
    "status",
    "tunnel_news",
    "watchdog",
]

# The delay after a failure doubles with each further failure. It must not grow too long, because
# accepting connections is such a loop.
FIRST_DELAY_SECONDS: Final = 1.0
_LAST_DELAY_SECONDS: Final = 10.0

# The failures of the whole process, because its metrics also count for the whole process.
_failures: Final[Counter[Loop]] = Counter(dict.fromkeys(get_args(Loop), 0))


def keep_running(
    name: Loop, a_round: Callable[[], Awaitable[object]], wanted: Callable[[], bool] = lambda: True
) -> asyncio.Task[None]:
    """Run round after round while the loop is ``wanted``. Cancel the task to end the loop.

    Keep a reference to the task: the event loop has only a weak one.
    """
    return asyncio.create_task(_keep_running(name, a_round, wanted), name=name)


async def _keep_running(
    name: Loop, a_round: Callable[[], Awaitable[object]], wanted: Callable[[], bool]
) -> None:
    delay = FIRST_DELAY_SECONDS
    while wanted() and not _is_ending():
        with GoOn(name):
            await a_round()
            delay = FIRST_DELAY_SECONDS
            continue
        await asyncio.sleep(delay)
        delay = min(2 * delay, _LAST_DELAY_SECONDS)


class GoOn:
    """A block of the loop ``name`` that may fail: the failure is logged, counted and swallowed."""

    def __init__(self, name: Loop) -> None:
        self._name: Loop = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        # If the loop itself is cancelled, it must end. If the work that the round waited for was
        # cancelled, that is a failure like any other.
        if isinstance(error, asyncio.CancelledError):
            if _is_ending():
                return False
        elif not isinstance(error, Exception):
            return False
        _failures[self._name] += 1
        detail = f"{type(error).__name__}: {error}"
        # The operator can correct what the system has refused, and needs no traceback for it.
        trace = None if isinstance(error, OSError) else error
        log.error("background_failed", loop=self._name, detail=detail, exc_info=trace)
        return True


def _is_ending() -> bool:
    """Whether the task was cancelled, even if the code in it has caught the CancelledError."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def failures() -> Iterator[tuple[Loop, int]]:
    """Yield each loop with the number of its failures in this process."""
    yield from _failures.items()
