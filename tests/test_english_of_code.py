"""Docstrings, comments and messages of the package keep the rules of docs/style.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.english_of_code import violations_of_code

PACKAGE = Path(__file__).parents[1] / "tunnel_gateway"
# The rooms and files whose English passes the lint. The others are to follow.
IN_PLAIN_ENGLISH: tuple[str, ...] = (
    "agent",
    "cli",
    "cms",
    "config",
    "daemon",
    "errors.py",
    "gateway",
    "gost",
    "kept_errors.py",
    "limits",
    "observability",
    "os_errors.py",
    "pki",
    "plain_text.py",
    "protocol",
    "revocation",
    "subject_numbers.py",
    "transport",
)

PROGRAMS_OUTSIDE = ("../benchmarks", "../demo", "../deploy/fleet")


@pytest.mark.parametrize("room", [*IN_PLAIN_ENGLISH, *PROGRAMS_OUTSIDE])
def test_the_english_is_plain(room: str) -> None:
    path = PACKAGE / room
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert files
    assert [violation for file in files for violation in violations_of_code(file)] == []


def test_bad_english_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        '"""What it does.\n\nA user proves who he is.\n"""\n\n'
        "# A comment that he\n# reads is here.\n"
        'X = f"{1} it shall be {2} done here"\n'
        'Y = ("anew", "for who", r"he shall")  # noqa: E501\n'
    )
    assert [violation.split("; ")[0] for violation in violations_of_code(path)] == [
        "a.py:1: 'What it does.'",
        "a.py:3: 'he'",
        "a.py:6: 'he'",
        "a.py:8: 'shall'",
    ]
