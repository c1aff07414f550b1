"""The event loop of the commands: uvloop if it is installed; it does not exist for Windows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tunnel_gateway.observability.logs import get_logger

try:
    import uvloop
except ImportError:
    _new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _new_event_loop = uvloop.new_event_loop

log = get_logger(__name__)

_T = TypeVar("_T")


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """Run ``main`` to its end and return what it returns."""
    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        runner.get_loop().set_exception_handler(_report)
        return runner.run(main)


def _report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that nobody waits for: in a callback, or in a task without an owner."""
    log.error("internal_error", detail=context["message"], exc_info=context.get("exception"))
