"""The processes of the demonstration: how they are run, heard and ended."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class DemoError(Exception):
    """Something did not go as it should; the text says what."""


class Program:
    """A process of the demonstration and the lines that it writes."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, *, shown: bool) -> None:
        self.name = name
        self._shown = shown
        self.process = process
        self._errors: list[str] = []
        self._reading = asyncio.create_task(self._keep_errors())
        self._more = asyncio.Condition()

    async def _keep_errors(self) -> None:
        assert self.process.stderr is not None  # noqa: S101 (opened as a pipe)
        async for line in self.process.stderr:
            if self._shown:
                print(f"{self.name}: {line.decode().rstrip()}", file=sys.stderr, flush=True)
            async with self._more:
                self._errors.append(line.decode().rstrip())
                self._more.notify_all()
        async with self._more:
            self._more.notify_all()

    async def output(self) -> dict[str, Any]:
        """Return the next line of standard output, which is JSON."""
        assert self.process.stdout is not None  # noqa: S101 (opened as a pipe)
        line = await self.process.stdout.readline()
        if not line:
            await self._reading
            raise DemoError(f"{self.name} ended: {self.last_words()}")
        value: dict[str, Any] = json.loads(line)
        return value

    async def logged(self, event: str) -> dict[str, Any]:
        """Return the first log line of ``event``."""
        async with self._more:
            while True:
                for line in self._errors:
                    if line.startswith("{") and json.loads(line).get("event") == event:
                        value: dict[str, Any] = json.loads(line)
                        return value
                if self._reading.done():
                    raise DemoError(f"{self.name} ended: {self.last_words()}")
                await self._more.wait()

    def last_words(self) -> str:
        """Return the end of what it wrote to standard error."""
        return "\n".join(self._errors[-5:]) or "without a word"

    async def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        code = await self.process.wait()
        await self._reading
        return code


@asynccontextmanager
async def program(name: str, *arguments: str, shown: bool = False) -> AsyncIterator[Program]:
    """Run a Python program of the project as its own process; ``shown`` is what it logs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    running = Program(name, process, shown=shown)
    try:
        yield running
    finally:
        await running.stop()


def gateway_program(*arguments: str) -> tuple[str, ...]:
    """Return the arguments that run ``tunnel-gateway`` with this interpreter."""
    return (
        "-c",
        "import sys; from tunnel_gateway.cli.start import start; sys.exit(start())",
        *arguments,
    )


def expect(condition: object, complaint: str) -> None:
    """Raise DemoError unless it is so."""
    if not condition:
        raise DemoError(complaint)
