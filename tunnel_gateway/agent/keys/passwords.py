"""Asking the user for the password of a key, one question at a time.

A page can call at any rate, and the user sees every question. So each page has at most one question
that waits. A page must pause if the user has cancelled its questions several times, or if the page
itself has withdrawn them.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from getpass import getpass
from pathlib import Path
from typing import Any, Final, Protocol

from tunnel_gateway.agent.keys.media import Media
from tunnel_gateway.agent.keys.pinentry import Pinentry
from tunnel_gateway.agent.keys.questions import PROMPT, Question
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.agent.threads import in_thread
from tunnel_gateway.pki.files.keyfiles import read_password
from tunnel_gateway.user_language import Language, in_language, user_language

try:
    import termios
except ImportError:  # on Windows
    termios = None  # type: ignore[assignment]

ANSWER_SECONDS: Final = 180.0
# A page with this many cancelled questions in a row is refused for this time.
MAX_CANCELLED: Final = 3
PAUSE_SECONDS: Final = 60.0
# There is no limit on the number of pages, so only this many are remembered.
_MAX_REMEMBERED: Final = 256


class Prompter(Protocol):
    """A way to ask the user."""

    async def ask(self, question: Question) -> bytearray | None:
        """Return the password; None if the user cancelled. Raises OSError if asking fails."""


class PasswordFile:
    """For kiosks and tests: a file has one password for every key. Nobody is asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._media = Media()

    async def ask(self, question: Question) -> bytearray | None:  # noqa: ARG002
        """Read the file; raises FileError, and CallRefusedError if its disk does not answer."""
        return bytearray(await self._media.ask(self._path, partial(read_password, self._path)))


class Terminal:
    """Asks in ``language`` on the terminal that the agent was started from.

    If a page leaves, its question stays on the terminal: the next line that the user enters answers
    it, and nobody gets this line. Until then the next question waits. Otherwise each page that
    leaves would leave a thread behind, and each thread would take one line of the user.
    """

    def __init__(self, language: Language = Language.ENGLISH) -> None:
        self._language = language
        self._reading: asyncio.Future[bytes] | None = None
        if termios is not None and sys.stdin.isatty():
            # If the process ended while a question is open, the terminal would stay without echo.
            atexit.register(_restore, termios.tcgetattr(sys.stdin))

    async def ask(self, question: Question) -> bytearray | None:
        """Wait for a line."""
        while self._reading is not None:
            await asyncio.wait({self._reading})  # wait does not cancel the reading
        text = question.text(self._language, retry_note=True)
        prompt = f"{text}\n{in_language(PROMPT, self._language)} "
        reading = self._reading = in_thread(lambda: getpass(prompt).encode())
        reading.add_done_callback(self._done)
        await asyncio.wait({reading})
        try:
            return bytearray(reading.result())
        except (EOFError, KeyboardInterrupt):  # Ctrl-D: the user cancels
            return None

    def _done(self, _: asyncio.Future[bytes]) -> None:
        self._reading = None


def _restore(settings: list[Any]) -> None:
    with suppress(OSError, ValueError, termios.error):  # the terminal may be gone
        termios.tcsetattr(sys.stdin, termios.TCSANOW, settings)


def find_prompter(password_file: Path | None = None, pinentry: str | None = None) -> Prompter:
    """Choose the way to ask: the file, else pinentry (``pinentry`` or the PATH), else the terminal.

    The question is in the language of the user's desktop. Raises OSError if there is no file, no
    pinentry and no terminal.
    """
    if password_file is not None:
        return PasswordFile(password_file)
    language = user_language(os.environ)
    program = shutil.which(pinentry or "pinentry")
    if program is not None:
        return Pinentry(program, language)
    if sys.stdin is not None and sys.stdin.isatty():
        return Terminal(language)
    raise OSError(
        "the agent has no way to ask for passwords: install pinentry, start the agent on a"
        " terminal, or name a file with --password-file"
    )


@dataclass(slots=True)
class _Cancelled:
    count: int = 0
    until: float = 0.0


class PasswordQueue:
    """Asks one question at a time. Each page can have one question that waits."""

    def __init__(
        self,
        prompter: Prompter,
        *,
        seconds: float = ANSWER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._prompter = prompter
        self._seconds = seconds
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting: set[str] = set()
        self._cancelled: dict[str, _Cancelled] = {}

    async def ask(self, question: Question) -> bytearray:
        """Return the password, for the caller to overwrite.

        Raises CallRefusedError: ``busy``, ``cancelled`` or ``password_timeout``. Raises OSError and
        FileError if asking fails.
        """
        origin = question.origin
        cancelled = self._cancelled.get(origin)
        if origin in self._waiting or (cancelled and self._clock() < cancelled.until):
            raise refused("busy")
        self._waiting.add(origin)
        try:
            async with self._turn:
                answer = await self._prompt(question)
        finally:
            self._waiting.discard(origin)
        if answer is None:
            self._note_cancelled(origin)
            raise refused("cancelled")
        self._cancelled.pop(origin, None)
        return answer

    async def _prompt(self, question: Question) -> bytearray | None:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._prompter.ask(question)
        except TimeoutError:
            raise refused("password_timeout") from None
        except asyncio.CancelledError:  # the page left: to the user it was one more dialog
            self._note_cancelled(question.origin)
            raise

    def _note_cancelled(self, origin: str) -> None:
        if origin not in self._cancelled and len(self._cancelled) >= _MAX_REMEMBERED:
            del self._cancelled[next(iter(self._cancelled))]
        cancelled = self._cancelled.setdefault(origin, _Cancelled())
        cancelled.count += 1
        if cancelled.count >= MAX_CANCELLED:
            self._cancelled[origin] = _Cancelled(until=self._clock() + PAUSE_SECONDS)
