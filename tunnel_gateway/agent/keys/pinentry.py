"""GnuPG's pinentry, a dialog for passwords in a process of its own.

It speaks the Assuan protocol over its standard input and output: a command is a line, and so is
each part of the answer, which ends with OK or ERR.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Final

from tunnel_gateway.agent.keys.questions import RETRY, Question

MAX_LINE: Final = 1000
_MAX_ANSWER_LINES: Final = 100
# Of libgpg-error, in the lower 16 bits of the number after ERR.
_CANCELLED: Final = frozenset({99, 198})
_PERCENT: Final = 0x25


class Pinentry:
    """Asks by starting ``program`` anew for each question."""

    def __init__(self, program: str) -> None:
        self._program = program

    async def ask(self, question: Question) -> bytearray | None:
        """Return the password, or None if the user cancelled.

        The dialog is closed when the caller is cancelled. Raises OSError if the program cannot
        be started or does not answer as it should.
        """
        process = await asyncio.create_subprocess_exec(
            self._program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=2 * MAX_LINE,
        )
        try:
            if process.stdin is None or process.stdout is None:
                raise OSError("pinentry has no pipes")
            return await _Dialog(process.stdin, process.stdout).run(question)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class _Dialog:
    def __init__(self, out: asyncio.StreamWriter, answers: asyncio.StreamReader) -> None:
        self._out = out
        self._answers = answers

    async def run(self, question: Question) -> bytearray | None:
        await self._answer()  # the greeting
        for option in _options():
            await self._command("OPTION", option)
        await self._required("SETTITLE", "tunnel-gateway agent")
        await self._required("SETDESC", question.text())
        await self._required("SETPROMPT", "Password:")
        if question.retry:
            await self._required("SETERROR", RETRY)
        error, password = await self._command("GETPIN")
        if error is None:
            return password
        if error & 0xFFFF in _CANCELLED:
            return None
        raise OSError(f"pinentry cannot ask (error {error & 0xFFFF})")

    async def _required(self, command: str, argument: str) -> None:
        error, _ = await self._command(command, argument)
        if error is not None:
            raise OSError(f"pinentry refuses {command} (error {error & 0xFFFF})")

    async def _command(self, command: str, argument: str = "") -> tuple[int | None, bytearray]:
        line = command.encode() + b" " * bool(argument) + escape(argument) + b"\n"
        if len(line) > MAX_LINE:
            raise OSError(f"pinentry: a line of {len(line)} bytes for {command}")
        self._out.write(line)
        await self._out.drain()
        return await self._answer()

    async def _answer(self) -> tuple[int | None, bytearray]:
        """Return the number of the error, None for OK, and the data that came before it."""
        data = bytearray()
        for _ in range(_MAX_ANSWER_LINES):
            try:
                line = await self._answers.readuntil(b"\n")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                raise OSError("pinentry ended without an answer") from None
            word, _, rest = line.rstrip(b"\r\n").partition(b" ")
            if word == b"OK":
                return None, data
            if word == b"ERR":
                number = rest.split(b" ")[0]
                return int(number) if number.isdigit() else 0, data
            if word == b"D":
                data += unescape(rest)
        raise OSError("pinentry answers without end")


def _options() -> list[str]:
    """Where the text versions draw, and in which letters."""
    found = ["lc-ctype=C.UTF-8"]
    terminal = os.environ.get("GPG_TTY")
    if terminal is None:
        with suppress(OSError):
            terminal = os.ttyname(0)
    if terminal is not None:
        found += [f"ttyname={terminal}", f"ttytype={os.environ.get('TERM', 'dumb')}"]
    return found


def escape(text: str) -> bytes:
    """Write an argument: a per cent sign and line ends as ``%XX``."""
    escapes = {"%": "%25", "\r": "%0D", "\n": "%0A"}
    return "".join(escapes.get(char, char) for char in text).encode("utf-8", "replace")


def unescape(data: bytes) -> bytearray:
    """Read the data of a D line; what is not an escape stays as it is."""
    found = bytearray()
    at = 0
    while at < len(data):
        pair = data[at + 1 : at + 3]
        if data[at] == _PERCENT and len(pair) == 2 and pair.isalnum():
            with suppress(ValueError):
                found.append(int(pair, 16))
                at += 3
                continue
        found.append(data[at])
        at += 1
    return found
