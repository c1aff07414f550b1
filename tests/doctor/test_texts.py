"""The table of texts: each row in three languages, with the same facts, and used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tunnel_gateway
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.observation import Row
from tunnel_gateway.doctor.texts import AREAS, SIGNS

ROWS = {name: row for name, row in vars(texts).items() if isinstance(row, Row)}
SOURCES = "".join(
    path.read_text(encoding="utf-8")
    for path in Path(tunnel_gateway.__file__).parent.joinpath("doctor").glob("*.py")
)


@pytest.mark.parametrize("name", ROWS)
def test_a_row(name: str) -> None:
    row = ROWS[name]
    facts = [sorted(set(re.findall(r"{(\w+)}", text))) for text in row.texts]
    assert facts[0] == facts[1] == facts[2]
    assert [bool(re.search("[а-яё]", text)) for text in row.texts] == [False, True, False]
    assert "'" not in row.uzbek  # o‘ and g‘ have U+2018
    for text in row.texts:
        assert text == text.strip()
        assert text[-1] not in ".!?:"
        assert "  " not in text
    assert row.area in AREAS
    assert row.status in SIGNS
    assert f"texts.{name}" in SOURCES


def test_no_two_rows_say_the_same() -> None:
    for column in range(3):
        said = {(row.area, row.texts[column]) for row in ROWS.values()}
        assert len(said) == len(ROWS)


@pytest.mark.parametrize("words", [AREAS, SIGNS])
def test_areas_and_signs_are_short(words: dict[str, tuple[str, str, str]]) -> None:
    for row in words.values():
        assert all(0 < len(word) <= 13 for word in row)
    for column in range(3):
        assert len({row[column] for row in words.values()}) == len(words)
