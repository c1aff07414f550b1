"""What a program does all the time beside its tunnels, so that none of it ever stops unseen.

A loop is a coroutine function that does its work once and waits until that is due again: a round.
Nobody waits for the task that runs it, so nobody would see it die. There is one policy for all of
them: a round that fails is logged and counted, and the next one comes after a delay. Only being
cancelled, or being wanted no more, ends a loop.
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
    "circuits",
    "collector",
    "expiry",
    "fleet",
    "keys",
    "loop_lag",
    "memory",
    "probes",
    "reload",
    "revocation_cache",
    "revocation_data",
    "revoked_tunnels",
    "status",
    "watchdog",
]

# After a failure; the delay doubles with each that follows.
_FIRST_DELAY_SECONDS: Final = 1.0
_LAST_DELAY_SECONDS: Final = 10.0

# Of this process, as its metrics are.
_failures: Final[Counter[Loop]] = Counter(dict.fromkeys(get_args(Loop), 0))


def keep_running(
    name: Loop, a_round: Callable[[], Awaitable[object]], wanted: Callable[[], bool] = lambda: True
) -> asyncio.Task[None]:
    """Run round after round while it is ``wanted``, whatever happens; cancel the task to end it.

    Keep the task: the event loop alone does not.
    """
    return asyncio.create_task(_keep_running(name, a_round, wanted), name=name)


async def _keep_running(
    name: Loop, a_round: Callable[[], Awaitable[object]], wanted: Callable[[], bool]
) -> None:
    delay = _FIRST_DELAY_SECONDS
    while wanted() and not _is_ending():
        with GoOn(name):
            await a_round()
            delay = _FIRST_DELAY_SECONDS
            continue
        await asyncio.sleep(delay)
        delay = min(2 * delay, _LAST_DELAY_SECONDS)


class GoOn:
    """A block of the loop ``name`` that may fail: that is logged and counted, and no more."""

    def __init__(self, name: Loop) -> None:
        self._name: Loop = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if not isinstance(error, (Exception, asyncio.CancelledError)) or _is_cancelled(error):
            return False
        _failures[self._name] += 1
        detail = f"{type(error).__name__}: {error}"
        # What the system refused is the operator's to mend, and needs no traceback.
        trace = None if isinstance(error, OSError) else error
        log.error("background_failed", loop=self._name, detail=detail, exc_info=trace)
        return True


def _is_cancelled(error: BaseException) -> bool:
    """Whether the loop itself is cancelled, and not what it waited for."""
    return isinstance(error, asyncio.CancelledError) and _is_ending()


def _is_ending() -> bool:
    """Whether the task was cancelled, also where what it waited for has kept that from it."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def failures() -> Iterator[tuple[Loop, int]]:
    """Yield how often each loop has failed in this process."""
    yield from _failures.items()
