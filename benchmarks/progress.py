"""How far a run is, on standard error."""

from __future__ import annotations

import sys
import time

from benchmarks.run import Step

_WIDTH = 24


class Progress:
    """A bar that is drawn over itself on a terminal; elsewhere one line for each round."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._started = time.monotonic()
        self._round = -1
        self._terminal = sys.stderr.isatty()

    def __call__(self, number: int, step: Step) -> None:
        """Show that step ``number`` of all is next."""
        if not self._terminal and step.round == self._round:
            return
        self._round = step.round
        text = bar(number, self._steps, time.monotonic() - self._started)
        what = f"{text} round {step.round + 1}: {step.scenario.name}, {step.system}"
        sys.stderr.write(f"\r{what}\x1b[K" if self._terminal else f"{what}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Take the bar away."""
        if self._terminal:
            sys.stderr.write("\r\x1b[K")


def bar(done: int, steps: int, seconds: float) -> str:
    """Return a bar with the share that is done and the time that the rest will take."""
    filled = _WIDTH * done // steps
    left = f"{seconds / done * (steps - done):.0f} s left" if done else "starting"
    return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {100 * done // steps:3}% {left:>11}"
