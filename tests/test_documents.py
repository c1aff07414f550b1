"""The documents among themselves: tables of contents, and links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("*/*.md")])
WITH_CONTENTS = ("configuration", "keys-and-trust", "log", "operations", "performance")

_CODE = re.compile(r"^( *)(```|~~~).*?^\1\2$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
_ENTRY = re.compile(r"^\d+\. \[(.+)\]\(#(.+)\)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^()\s]+)\)")


def prose(path: Path) -> str:
    """Return the text without its blocks of code, where a # begins no heading."""
    return _CODE.sub("", path.read_text(encoding="utf-8"))


def anchor(heading: str) -> str:
    """Return what GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {anchor(heading) for _, heading in _HEADING.findall(prose(path))}


def broken(path: Path) -> list[str]:
    found = []
    for link in _LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, place = link.partition("#")
        target = path.parent / file if file else path
        if not target.exists() or (place and place not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("name", WITH_CONTENTS)
def test_the_contents_are_the_headings(name: str) -> None:
    text = prose(PROJECT / "docs" / f"{name}.md")
    headings = [title for level, title in _HEADING.findall(text) if level == "##"]
    entries = _ENTRY.findall(text.partition("\n## ")[0])
    assert entries == [(title, anchor(title)) for title in headings]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    assert broken(path) == []


def test_every_document_is_in_the_list() -> None:
    listed = (PROJECT / "docs" / "README.md").read_text(encoding="utf-8")
    for path in (PROJECT / "docs").glob("*.md"):
        assert f"({path.name})" in listed or path.name == "README.md", path


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(
        "# Bir so‘z\n\n[x](#bir-soz) [y](#ikki) [z](b.md) [w](https://x)\n```\n# c\n```\n"
    )
    assert broken(path) == ["#ikki", "b.md"]
