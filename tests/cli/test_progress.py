"""The line of progress: on a terminal, after a moment, and gone at the end."""

from __future__ import annotations

import io
import os
import pty
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

import pytest

from tests.support.processes import wait_until
from tunnel_gateway.cli import progress
from tunnel_gateway.cli.progress import Progress

CLEAR = "\r\x1b[K"


class Screen:
    """A terminal, and everything that was written to it."""

    def __init__(self, stream: TextIO, reading: int) -> None:
        self.stream = stream
        self._reading = reading
        self._seen = b""

    def seen(self) -> str:
        with suppress(BlockingIOError):
            while True:
                self._seen += os.read(self._reading, 65536)
        return self._seen.decode()


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_EACH_SECONDS", 0.01)
    reading, terminal = pty.openpty()
    os.set_blocking(reading, False)
    with os.fdopen(terminal, "w", encoding="utf-8") as stream:
        yield Screen(stream, reading)
    os.close(reading)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_PATIENCE_SECONDS", 0.0)


@pytest.mark.usefixtures("at_once")
def test_how_far_it_is(screen: Screen) -> None:
    with Progress("measuring", screen.stream) as shown:
        wait_until(lambda: f"{CLEAR}measuring 0 s" in screen.seen(), "the seconds")
        shown.step(3, 4)
        wait_until(lambda: f"{CLEAR}measuring 75%" in screen.seen(), "the share")
        shown.step(0, 0)
    assert screen.seen().endswith(CLEAR)


@pytest.mark.usefixtures("at_once")
def test_a_result_takes_its_place(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("checking", screen.stream) as shown:
        wait_until(lambda: "checking" in screen.seen(), "the line")
        shown.print("ok")
        shown.end()
        before = screen.seen()
        assert before.endswith(CLEAR)
        time.sleep(0.05)
    assert screen.seen() == before
    assert capsys.readouterr().out == "ok\n"


def test_short_work_says_nothing(screen: Screen) -> None:
    with Progress("measuring", screen.stream) as shown:
        shown.step(1, 2)
        time.sleep(0.05)
    assert screen.seen() == ""


@pytest.mark.usefixtures("at_once")
def test_an_error_leaves_a_clean_line(screen: Screen) -> None:
    def fail() -> None:
        with Progress("measuring", screen.stream):
            wait_until(lambda: "measuring" in screen.seen(), "the line")
            raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        fail()
    assert screen.seen().endswith(CLEAR)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("terminal", ["dumb", None])
def test_without_a_terminal_nothing_is_written(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, terminal: str | None
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = io.StringIO() if terminal is None else screen.stream
    with Progress("measuring", stream) as shown:
        shown.step(1, 2)
        time.sleep(0.05)
    assert screen.seen() == ""
    assert not isinstance(stream, io.StringIO) or stream.getvalue() == ""


@pytest.mark.usefixtures("at_once")
def test_a_terminal_that_goes_away(screen: Screen) -> None:
    with Progress("measuring", screen.stream):
        wait_until(lambda: "measuring" in screen.seen(), "the line")
        screen.stream.close()
        time.sleep(0.05)
