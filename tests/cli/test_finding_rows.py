"""Findings in rows; test_check.py and test_doctor.py have them on a terminal."""

from __future__ import annotations

import pytest

from tunnel_gateway.cli.finding_rows import exit_code, row
from tunnel_gateway.daemon.findings import Finding, Status

FINDING = Finding("keys", "/home/me", "warning", "no keys are there. " + "Put them there. " * 8)


def test_a_row_of_several_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = row(FINDING).split("\n")
    assert lines[0].startswith("look  keys          /home/me: no keys are there. Put")
    assert len(lines) > 2
    assert all(line.startswith(" " * 20) and len(line) <= 60 for line in lines[1:])


def test_a_row_in_other_words() -> None:
    signs: dict[Status, str] = {"ok": "yaxshi", "warning": "qarang", "fault": "XATO"}
    assert row(FINDING, "kalitlar", signs).startswith("qarang kalitlar      /home/me: no keys")


def test_nothing_in_it_can_be_another_line() -> None:
    odd = Finding("keys", "a\nok", "fault", "\x1b[31m")
    assert row(odd) == "WRONG keys          a\\nok: \\x1b[31m"


@pytest.mark.parametrize(
    ("statuses", "code"),
    [([], 0), (["ok"], 0), (["ok", "warning"], 3), (["warning", "fault"], 1)],
)
def test_the_exit_code(statuses: list[Status], code: int) -> None:
    assert exit_code(statuses) == code
