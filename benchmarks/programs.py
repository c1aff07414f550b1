"""Processes of a run: started, waited for, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from benchmarks.places import LOOPBACK

ROOT = Path(__file__).parents[1]
PYTHON = sys.executable
_START_SECONDS = 30.0


class BenchmarkError(Exception):
    """The run cannot go on; the text says why."""


class Program:
    """A process that writes what it has to say into a file, as a daemon under systemd would."""

    def __init__(
        self, log: Path, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.pid = self._process.pid

    def wait_for(self, ready: Callable[[], bool]) -> Self:
        """Wait until it is ready; raises BenchmarkError with its last words if it never is."""
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                words = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise BenchmarkError(f"{self._process.args!r} did not start:\n{words}")
            time.sleep(0.02)
        return self

    def wait_for_port(self, port: int) -> Self:
        """Wait until it accepts connections."""
        return self.wait_for(lambda: _accepts(port))

    def wait_for_word(self, word: str) -> Self:
        """Wait until it has written ``word``."""
        return self.wait_for(lambda: word in self.log.read_text(encoding="utf-8"))

    def stop(self) -> None:
        """End it; what it was doing no longer matters."""
        self._process.kill()
        self._process.wait()


def _accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection((LOOPBACK, port)):
        return True
    return False
