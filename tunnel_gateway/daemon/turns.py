"""The steps of handshakes on the event loop, where source addresses take turns.

This is for a daemon whose open tunnels do not need the loop: C threads carry their bytes. Then a
thread of its own for the public-key work (workers.py) would only cost: Python's lock goes from
thread to thread with every step.

One step takes some tenths of a millisecond, and the most expensive chain of a stranger two
milliseconds. In each round of the loop there is at most one step. So whatever else the loop has to
do waits for one step, and a step waits for one step of each other source, as in the thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tunnel_gateway.daemon.source_lines import SourceLines


class Turns:
    """The steps that wait for their round of the loop. Use it in one loop only."""

    def __init__(self) -> None:
        self._lines: SourceLines[_Step] = SourceLines()
        # Whether a step has had this round. While steps wait, every round has one.
        self._taken = False
        self._loop: asyncio.AbstractEventLoop | None = None  # of the first step: it runs by then

    @property
    def waiting(self) -> int:
        """How many steps of handshakes wait for a round."""
        return len(self._lines)

    def steps(self) -> LoopSteps:
        """Return what runs the steps of one connection."""
        return LoopSteps(self)

    def new_future(self) -> asyncio.Future[Any]:
        """Return a future of the loop of these steps."""
        return self._running_loop().create_future()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def close(self) -> None:
        """Cancel the waiting steps."""
        for step in self._lines.clear():
            step.future.cancel()

    def add(self, source: str, step: _Step) -> None:
        """Run a step now if it is the first of this round and nobody waits, else in its turn."""
        if self._taken:
            self._lines.add(source, step)
            return
        self._taken = True
        self._running_loop().call_soon(self._next_round)
        step.run()
        del step  # as in _Step.run

    def _next_round(self) -> None:
        while (step := self._lines.take()) is not None:
            if not step.future.cancelled():
                self._running_loop().call_soon(self._next_round)
                step.run()
                del step
                return
        self._taken = False


class LoopSteps:
    """Runs the steps of one connection, in the turn of its ``source``.

    ``spent`` is the processor time, in seconds, of the steps that have ended.
    """

    __slots__ = ("_turns", "source", "spent")

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.source = ""
        self.spent = 0.0

    def submit(self, work: Callable[..., Any], /, *args: Any) -> asyncio.Future[Any]:
        """Run ``work`` in the turn of the source; often it has run when this returns."""
        step = _Step(self, self._turns.new_future(), work, args)
        try:
            self._turns.add(self.source, step)
            return step.future
        finally:
            del step


class _Step:
    __slots__ = ("_args", "_owner", "_work", "future")

    def __init__(
        self,
        owner: LoopSteps,
        future: asyncio.Future[Any],
        work: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> None:
        self.future = future
        self._owner = owner
        self._work = work
        self._args = args

    def run(self) -> None:
        started = time.thread_time()
        try:
            result = self._work(*self._args)
        except Exception as error:  # noqa: BLE001 - it is raised where the future is awaited
            self._owner.spent += time.thread_time() - started
            self.future.set_exception(error)
            # The future of the step holds the error. The error's traceback holds this frame and the
            # frames that called it. So these frames must not keep the step.
            del self
        else:
            self._owner.spent += time.thread_time() - started
            self.future.set_result(result)
