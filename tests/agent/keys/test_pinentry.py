"""The Assuan protocol with a program that speaks it, and with GnuPG's own where it is there."""

from __future__ import annotations

import asyncio
import os
import pty
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_pinentry import FakePinentry
from tests.support.loopback import TIME_LIMIT
from tests.support.processes import wait_until
from tunnel_gateway.agent.keys.pinentry import Pinentry, escape, unescape
from tunnel_gateway.agent.keys.questions import Purpose, Question
from tunnel_gateway.user_language import Language

QUESTION = Question("https://example.uz", "100 % me", Purpose.SIGNATURE)


@pytest.fixture
def fake(tmp_path: Path) -> FakePinentry:
    return FakePinentry(tmp_path)


async def ask(fake: FakePinentry, question: Question = QUESTION) -> bytearray | None:
    async with asyncio.timeout(TIME_LIMIT):
        return await Pinentry(str(fake.path)).ask(question)


@pytest.mark.parametrize("password", ["secret", "100%25 %", "пароль", "with  spaces "])
async def test_a_password(fake: FakePinentry, password: str) -> None:
    fake.script(f"pin {password}")
    assert await ask(fake) == password.encode()
    assert fake.heard("SETDESC") == [
        "SETDESC The page https://example.uz asks for a signature%0AOwner of the key: 100 %25 me"
    ]
    assert fake.heard("SETERROR") == []


async def test_the_last_one_was_wrong(fake: FakePinentry) -> None:
    fake.script("pin x")
    await ask(fake, Question("o", "me", Purpose.TUNNEL, retry=True))
    assert fake.heard("SETERROR") == ["SETERROR Wrong password"]


@pytest.mark.parametrize(
    ("language", "prompt", "cancel", "retry"),
    [
        (Language.UZBEK, "Parol:", "Bekor qilish", "Parol noto‘g‘ri"),
        (Language.RUSSIAN, "Пароль:", "Отмена", "Неверный пароль"),
        (Language.ENGLISH, "Password:", "Cancel", "Wrong password"),
    ],
)
async def test_every_text_is_in_the_language_of_the_user(
    fake: FakePinentry, language: Language, prompt: str, cancel: str, retry: str
) -> None:
    fake.script("pin x")
    question = Question("https://example.uz", "me", Purpose.TUNNEL, retry=True)
    async with asyncio.timeout(TIME_LIMIT):
        assert await Pinentry(str(fake.path), language).ask(question) == b"x"
    assert fake.heard("SETPROMPT") == [f"SETPROMPT {prompt}"]
    assert fake.heard("SETOK") == ["SETOK OK"]
    assert fake.heard("SETCANCEL") == [f"SETCANCEL {cancel}"]
    assert fake.heard("SETERROR") == [f"SETERROR {retry}"]
    shown = question.text(language).replace("\n", "%0A")
    assert fake.heard("SETDESC") == [f"SETDESC {shown}"]


async def test_a_dialog_with_buttons_of_its_own(fake: FakePinentry) -> None:
    fake.refuse("SETOK", "SETCANCEL")
    fake.script("pin x")
    assert await ask(fake) == b"x"


async def test_cancelled_by_the_user(fake: FakePinentry) -> None:
    fake.script("cancel")
    assert await ask(fake) is None


@pytest.mark.parametrize("answer", ["error", "quit", "rubbish"])
async def test_a_program_that_does_not_answer_as_it_should(fake: FakePinentry, answer: str) -> None:
    fake.script(answer)
    with pytest.raises(OSError, match="pinentry"):
        await ask(fake)


async def test_no_program(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await Pinentry(str(tmp_path / "none")).ask(QUESTION)


async def test_an_abandoned_question_is_taken_away(fake: FakePinentry) -> None:
    fake.script("hang")
    asking = asyncio.create_task(ask(fake))
    await asyncio.to_thread(wait_until, lambda: fake.heard("GETPIN"), "the dialog")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking  # only once the process is gone


@given(st.text(st.characters(codec="utf-8")))
def test_escapes(text: str) -> None:
    line = escape(text)
    assert b"\n" not in line
    assert b"\r" not in line
    assert unescape(line).decode() == text


@given(st.binary())
def test_any_data(data: bytes) -> None:
    assert len(unescape(data)) <= len(data)


@pytest.mark.parametrize(
    ("language", "prompt"), [(Language.ENGLISH, "Password"), (Language.RUSSIAN, "Пароль")]
)
async def test_gnupgs_own(monkeypatch: pytest.MonkeyPatch, language: Language, prompt: str) -> None:
    """The real dialog on a pseudo-terminal, where a password is typed."""
    program = shutil.which("pinentry-curses")
    if program is None:
        pytest.skip("pinentry-curses is not installed: GnuPG's own dialog was not tried")
    ours, theirs = pty.openpty()
    monkeypatch.setenv("GPG_TTY", os.ttyname(theirs))
    monkeypatch.setenv("TERM", "xterm")
    loop = asyncio.get_running_loop()
    drawn = asyncio.Event()
    shown = bytearray()

    def read() -> None:
        shown.extend(os.read(ours, 4096))
        if b"example.uz" in shown and prompt.encode() in shown:
            drawn.set()

    loop.add_reader(ours, read)
    try:
        asking = asyncio.create_task(Pinentry(program, language).ask(QUESTION))
        async with asyncio.timeout(TIME_LIMIT):
            await drawn.wait()
            os.write(ours, b"typed%\r")
            assert await asking == b"typed%"
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)
