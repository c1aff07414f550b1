"""The progress of work for which a person waits: a line on the terminal that goes away again."""

from __future__ import annotations

import os
import sys
import threading
import time
from types import TracebackType
from typing import Final, Self, TextIO

# Work that is done sooner says nothing.
_PATIENCE_SECONDS: Final = 1.0
_EACH_SECONDS: Final = 0.5
_CLEAR: Final = "\r\x1b[K"


class Progress:
    """A context in which a line on standard error says what is being done, and how far it is.

    Nothing is written if standard error is not a terminal. A thread writes the line, so that it
    also appears during a step that takes long.
    """

    def __init__(self, text: str, stream: TextIO | None = None) -> None:
        self._text = text
        self._stream = sys.stderr if stream is None else stream
        self._share: float | None = None
        self._began = time.monotonic()
        self._is_shown = False
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        stream = self._stream
        if stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb":
            self._thread = threading.Thread(target=self._write, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    def step(self, done: int, whole: int) -> None:
        """Say that ``done`` parts of the ``whole`` are done."""
        self._share = done / whole if whole else None

    def print(self, text: str) -> None:
        """Print a line of the result; the wait for the next one begins."""
        with self._lock:
            self._clear()
            print(text, flush=True)
            self._began = time.monotonic()

    def end(self) -> None:
        """Take the line away."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._lock:
            self._clear()

    def _write(self) -> None:
        while not self._done.wait(_EACH_SECONDS):
            with self._lock:
                seconds = time.monotonic() - self._began
                if seconds >= _PATIENCE_SECONDS:
                    far = f"{seconds:.0f} s" if self._share is None else f"{self._share:.0%}"
                    self._put(f"{_CLEAR}{self._text} {far}")
                    self._is_shown = True

    def _clear(self) -> None:
        if self._is_shown:
            self._put(_CLEAR)
            self._is_shown = False

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal has gone
            self._done.set()
