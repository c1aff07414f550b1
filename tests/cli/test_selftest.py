"""``tunnel-gateway selftest``."""

from __future__ import annotations

import argparse
import io
import json
import sys

import pytest

from tunnel_gateway.cli import selftest as command
from tunnel_gateway.gost import known_answers
from tunnel_gateway.gost.known_answers import KNOWN_ANSWERS, KnownAnswer


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def call(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(["selftest", *arguments])
    code: int = args.run(args)
    return code


@pytest.fixture
def one_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = KnownAnswer("a wrong one", "nowhere", lambda: False)
    monkeypatch.setattr(known_answers, "KNOWN_ANSWERS", (*KNOWN_ANSWERS[:2], wrong))


def test_one_line_for_each_known_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 0
    *lines, summary = capsys.readouterr().out.splitlines()
    assert len(lines) == len(KNOWN_ANSWERS)
    for line, known in zip(lines, KNOWN_ANSWERS, strict=True):
        assert line.startswith(f"passed  {known.name} ")
        assert line.endswith(f"  {known.source}")
    assert summary == f"all {len(KNOWN_ANSWERS)} known answers came out"


@pytest.mark.usefixtures("one_wrong")
def test_a_wrong_answer_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 1
    *_, line, summary = capsys.readouterr().out.splitlines()
    assert line.split() == ["FAILED", "a", "wrong", "one", "nowhere"]
    assert summary == "1 of 3 known answers came out wrong: do not use this build"


def test_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is True
    assert report["known_answers"] == [
        {"name": known.name, "source": known.source, "passed": True} for known in KNOWN_ANSWERS
    ]


@pytest.mark.usefixtures("one_wrong")
def test_json_tells_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is False
    assert report["known_answers"][-1] == {
        "name": "a wrong one",
        "source": "nowhere",
        "passed": False,
    }


@pytest.mark.usefixtures("one_wrong")
def test_colours_are_for_terminals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call()
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    call()
    lines = terminal.getvalue().splitlines()
    assert lines[0].startswith("\x1b[32mpassed\x1b[0m  ")
    assert lines[2].startswith("\x1b[1;31mFAILED\x1b[0m  ")
    assert lines[3].startswith("\x1b[1;31m1 of 3")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    call("--json")
    assert "\x1b" not in terminal.getvalue()


def test_help_says_what_the_exit_code_means(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        call("--help")
    assert caught.value.code == 0
    assert "1 if one is wrong" in capsys.readouterr().out
