"""GnuPG's pinentry, a dialog for passwords in a process of its own.

It speaks the Assuan protocol over its standard input and output. A command is one line. An answer
has one line for each part, and ends with OK or ERR.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Final

from tunnel_gateway.agent.keys.questions import ACCEPT, CANCEL, PROMPT, RETRY, Question
from tunnel_gateway.user_language import Language, Texts, in_language

MAX_LINE: Final = 1000
_MAX_ANSWER_LINES: Final = 100
# Codes of libgpg-error, in the lower 16 bits of the number after ERR.
_CANCELLED: Final = frozenset({99, 198})
_PERCENT: Final = 0x25


class Pinentry:
    """Asks in ``language`` by starting ``program`` once for each question."""

    def __init__(self, program: str, language: Language = Language.ENGLISH) -> None:
        self._program = program
        self._language = language

    async def ask(self, question: Question) -> bytearray | None:
        """Return the password, or None if the user cancelled.

        If this is cancelled, the dialog closes. Raises OSError if the program does not start or
        does not answer by the protocol.
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
            dialog = _Dialog(process.stdin, process.stdout, self._language)
            return await dialog.run(question)
        finally:
            with suppress(ProcessLookupError):  # it has ended by itself
                process.kill()
            await process.wait()


class _Dialog:
    def __init__(
        self, out: asyncio.StreamWriter, answers: asyncio.StreamReader, language: Language
    ) -> None:
        self._out = out
        self._answers = answers
        self._language = language

    async def run(self, question: Question) -> bytearray | None:
        await self._answer()  # the greeting
        for option in _options():
            await self._command("OPTION", option)
        await self._required("SETTITLE", "tunnel-gateway agent")
        await self._required("SETDESC", question.text(self._language))
        await self._required("SETPROMPT", self._say(PROMPT))
        # A dialog without these commands has buttons of its own.
        await self._command("SETOK", self._say(ACCEPT))
        await self._command("SETCANCEL", self._say(CANCEL))
        if question.retry:
            await self._required("SETERROR", self._say(RETRY))
        error, password = await self._command("GETPIN")
        if error is None:
            return password
        if error & 0xFFFF in _CANCELLED:
            return None
        raise OSError(f"pinentry cannot ask (error {error & 0xFFFF})")

    def _say(self, texts: Texts) -> str:
        return in_language(texts, self._language)

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
        """Return the number of the error, or None for OK, and the data before it."""
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
        raise OSError("pinentry does not end its answer")


def _options() -> list[str]:
    """Return the options for the text versions: the terminal, and its letters."""
    options = ["lc-ctype=C.UTF-8"]
    terminal = os.environ.get("GPG_TTY")
    if terminal is None:
        with suppress(OSError):  # standard input is not a terminal
            terminal = os.ttyname(0)
    if terminal is not None:
        options += [f"ttyname={terminal}", f"ttytype={os.environ.get('TERM', 'dumb')}"]
    return options


def escape(text: str) -> bytes:
    """Write an argument: a per cent sign and line ends as ``%XX``."""
    escapes = {"%": "%25", "\r": "%0D", "\n": "%0A"}
    return "".join(escapes.get(char, char) for char in text).encode("utf-8", "replace")


def unescape(data: bytes) -> bytearray:
    """Read the data of a D line. Bytes that are not an escape stay as they are."""
    plain = bytearray()
    at = 0
    while at < len(data):
        pair = data[at + 1 : at + 3]
        if data[at] == _PERCENT and len(pair) == 2 and pair.isalnum():
            with suppress(ValueError):
                plain.append(int(pair, 16))
                at += 3
                continue
        plain.append(data[at])
        at += 1
    return plain
