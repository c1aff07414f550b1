"""One question at a time, and pages that ask too often."""

from __future__ import annotations

import asyncio
import os
import pty
import queue
import threading
from pathlib import Path

import pytest

from tests.support.fake_pinentry import FakePinentry
from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.agent.keys import passwords
from tunnel_gateway.agent.keys.passwords import (
    MAX_CANCELLED,
    PAUSE_SECONDS,
    PasswordFile,
    PasswordQueue,
    Terminal,
    find_prompter,
)
from tunnel_gateway.agent.keys.pinentry import Pinentry
from tunnel_gateway.agent.keys.questions import Purpose, Question
from tunnel_gateway.errors import CallRefusedError, FileError
from tunnel_gateway.user_language import Language


class Someone:
    """Answers when it is told to; ``asked`` has the questions in their order."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[Question] = asyncio.Queue()
        self.answers: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.at_once = 0

    async def ask(self, question: Question) -> bytearray | None:
        self.at_once += 1
        assert self.at_once == 1
        self.asked.put_nowait(question)
        try:
            answer = await self.answers.get()
        finally:
            self.at_once -= 1
        return None if answer is None else bytearray(answer)


def question(origin: str = "https://example.uz") -> Question:
    return Question(origin, "me", Purpose.SIGNATURE)


async def refusal(passwords: PasswordQueue, origin: str = "https://example.uz") -> str:
    with pytest.raises(CallRefusedError) as caught:
        await passwords.ask(question(origin))
    return caught.value.name


async def test_pages_take_turns_and_each_has_one_question() -> None:
    someone = Someone()
    passwords = PasswordQueue(someone)
    async with asyncio.timeout(TIME_LIMIT):
        first = asyncio.create_task(passwords.ask(question("https://a.uz")))
        assert (await someone.asked.get()).origin == "https://a.uz"
        second = asyncio.create_task(passwords.ask(question("https://b.uz")))
        await asyncio.sleep(0)
        assert await refusal(passwords, "https://a.uz") == "busy"
        assert await refusal(passwords, "https://b.uz") == "busy"
        assert someone.asked.empty()
        someone.answers.put_nowait(b"first")
        someone.answers.put_nowait(b"second")
        assert (await first, await second) == (b"first", b"second")


async def test_a_page_that_was_sent_away_again_and_again_waits() -> None:
    now = [0.0]
    someone = Someone()
    passwords = PasswordQueue(someone, clock=lambda: now[0])
    for _ in range(MAX_CANCELLED):
        someone.answers.put_nowait(None)
        assert await refusal(passwords) == "cancelled"
    someone.answers.put_nowait(b"x")
    assert await refusal(passwords) == "busy"
    assert await passwords.ask(question("https://other.uz")) == b"x"
    now[0] = PAUSE_SECONDS
    someone.answers.put_nowait(b"y")
    assert await passwords.ask(question()) == b"y"


async def test_what_is_remembered_of_pages_is_bounded() -> None:
    someone = Someone()
    passwords = PasswordQueue(someone)
    for number in range(300):
        someone.answers.put_nowait(None)
        assert await refusal(passwords, f"https://{number}.uz") == "cancelled"
    assert len(passwords._cancelled) <= 256


async def test_nobody_answers() -> None:
    passwords = PasswordQueue(Someone(), seconds=0.0)
    assert await refusal(passwords) == "password_timeout"
    assert await refusal(passwords) == "password_timeout"


async def test_a_question_that_is_given_up_makes_room() -> None:
    someone = Someone()
    passwords = PasswordQueue(someone)
    async with asyncio.timeout(TIME_LIMIT):
        first = asyncio.create_task(passwords.ask(question()))
        await someone.asked.get()
        first.cancel()
        await asyncio.wait({first})
        someone.answers.put_nowait(b"x")
        assert await passwords.ask(question()) == b"x"


async def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("secret\n")
    path.chmod(0o600)
    assert await PasswordFile(path).ask(question()) == b"secret"
    path.chmod(0o644)
    with pytest.raises(FileError, match="chmod"):
        await PasswordFile(path).ask(question())


async def test_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = []

    def getpass(prompt: str) -> str:
        prompts.append(prompt)
        if len(prompts) > 1:
            raise EOFError
        return "пароль"

    monkeypatch.setattr(passwords, "getpass", getpass)
    assert await Terminal().ask(question()) == "пароль".encode()
    assert "https://example.uz" in prompts[0]
    assert prompts[0].endswith("\nPassword: ")
    assert await Terminal(Language.UZBEK).ask(question()) is None
    assert prompts[1].endswith("\nKalit egasi: me\nParol: ")


async def test_pages_that_leave_hold_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    prompts: list[str] = []
    lines: queue.Queue[str] = queue.Queue()

    def getpass(prompt: str) -> str:
        prompts.append(prompt)
        return lines.get(timeout=TIME_LIMIT)

    monkeypatch.setattr(passwords, "getpass", getpass)
    terminal = Terminal()
    before = threading.active_count()
    for _ in range(10):
        leaving = asyncio.create_task(terminal.ask(question("https://left.uz")))
        await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    assert threading.active_count() == before + 1
    staying = asyncio.create_task(terminal.ask(question()))
    lines.put("for the page that left")
    lines.put("secret")
    assert await asyncio.wait_for(staying, TIME_LIMIT) == b"secret"
    assert ["https://left.uz" in prompt for prompt in prompts] == [True, False]


async def test_a_file_on_a_dead_share_holds_one_thread(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dead = threading.Event()

    def read(_: Path) -> bytes:
        dead.wait(TIME_LIMIT)
        return b""

    monkeypatch.setattr(passwords, "read_password", read)
    file = PasswordFile(tmp_path / "password")
    before = threading.active_count()
    for _ in range(10):
        leaving = asyncio.create_task(file.ask(question()))
        await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    assert threading.active_count() == before + 1
    dead.set()


def test_which_way_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePinentry(tmp_path)
    assert isinstance(find_prompter(tmp_path / "password"), PasswordFile)
    assert isinstance(find_prompter(None, str(fake.path)), Pinentry)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert isinstance(find_prompter(), Pinentry)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, closefd=False) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        assert isinstance(find_prompter(), Terminal)
    with (tmp_path / "plain").open("w+") as plain:
        monkeypatch.setattr("sys.stdin", plain)
        with pytest.raises(OSError, match="--password-file"):
            find_prompter()
    os.close(ours)
    os.close(theirs)


async def test_the_dialog_speaks_the_language_of_the_desktop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakePinentry(tmp_path)
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    monkeypatch.delenv("LANGUAGE", raising=False)
    fake.script("cancel")
    assert await find_prompter(None, str(fake.path)).ask(question()) is None
    assert fake.heard("SETCANCEL") == ["SETCANCEL Отмена"]


async def test_questions_that_come_and_go_wear_nobody_down() -> None:
    someone = Someone()
    passwords = PasswordQueue(someone)
    for _ in range(MAX_CANCELLED):
        asking = asyncio.create_task(passwords.ask(question()))
        await someone.asked.get()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    with pytest.raises(CallRefusedError) as caught:
        async with asyncio.timeout(TIME_LIMIT):
            await passwords.ask(question())
    assert caught.value.name == "busy"
    assert someone.asked.empty()
