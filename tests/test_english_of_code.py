"""Docstrings, comments and messages of the programs keep the rules of docs/style.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.english_of_code import violations_of_code

PROJECT = Path(__file__).parents[1]
FOLDERS = ("tunnel_gateway", "benchmarks", "demo")
FILES = sorted(path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py"))
FILES.append(PROJECT / "deploy" / "fleet")


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_is_missing(folder: str) -> None:
    assert any(path.is_relative_to(PROJECT / folder) for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_the_english_is_plain(path: Path) -> None:
    assert list(violations_of_code(path)) == []


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
