"""The documents: tables of contents, links that lead somewhere, and plain English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.english import comments, violations

PROJECT = Path(__file__).parents[1]
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("[!.]*/**/*.md")])
IN_ENGLISH = [path for path in DOCUMENTS if path.name != "README.uz.md"]
# The other files whose comments pass it. A setting that is commented out has no space after its #.
WITH_COMMENTS = (
    ".ci/run",
    "Makefile",
    "config/agent.properties",
    "config/config.properties",
    "config/rest.properties",
    "config/demo.properties",
    "deploy/haproxy/haproxy.cfg",
    "deploy/logrotate/tunnel-gateway",
    "deploy/nginx/nginx.conf",
    "deploy/nginx/rest.conf",
    "deploy/prometheus/alerts.yml",
    "deploy/prometheus/prometheus.yml",
    "deploy/redis/redis.conf",
    "pyproject.toml",
    "scripts/bundle",
    "scripts/install",
    "scripts/system-packages",
    "systemd/sysusers.conf",
    "systemd/tmpfiles.conf",
    "systemd/tunnel-gateway.service",
    "systemd/tunnel-gateway-rest.socket",
    "systemd/tunnel-gateway.socket",
    "systemd/tunnel-gateway.target",
    "systemd/tunnel-gateway@.service",
)
WITH_CONTENTS = ("configuration", "keys-and-trust", "log", "operations", "performance")

_CODE = re.compile(r"^( *)(```|~~~).*?^\1\2$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
_ENTRY = re.compile(r"^\d+\. \[(.+)\]\(#(.+)\)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_PATH = re.compile(r"(?<![\w/.-])([a-z_]+(?:/[\w-]+)*\.(?:py|c|h))\b")


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


def missing_paths(path: Path) -> list[str]:
    """Return the files that a document names and that do not exist."""
    named = _PATH.findall(prose(path))
    bases = (PROJECT, PROJECT / "tunnel_gateway", PROJECT / "tunnel_gateway/gost/_native")
    return [one for one in named if not any((base / one).is_file() for base in bases)]


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


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_path_exists(path: Path) -> None:
    assert missing_paths(path) == []


def listed_files(tree: str) -> Iterator[str]:
    """Yield the files of a tree of names, each folder two spaces deeper than the one it is in."""
    folders: list[str] = []
    for depth, name in re.findall(r"^((?:  )+)(\S+)", tree, re.MULTILINE):
        del folders[len(depth) // 2 - 1 :]
        if name.endswith("/"):
            folders.append(name)
        else:
            yield "".join(folders) + name


def test_the_house_is_listed_file_by_file() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = text.partition("```\ntunnel_gateway/\n")[2].partition("```")[0]
    package = PROJECT / "tunnel_gateway"
    files = [
        str(path.relative_to(package))
        for path in package.rglob("*.*")
        if path.suffix in {".py", ".c", ".h"} and path.name not in {"__init__.py", "_gost.c"}
    ]
    assert sorted(listed_files(tree)) == sorted(files)


def test_a_missing_path_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("`gost/digest.py` `tests/test_documents.py` `point.h` `gost/gone.py` gone.c")
    assert missing_paths(path) == ["gost/gone.py", "gone.c"]


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(
        "# Bir so‘z\n\n[x](#bir-soz) [y](#ikki) [z](b.md) [w](https://x)\n```\n# c\n```\n"
    )
    assert broken(path) == ["#ikki", "b.md"]


@pytest.mark.parametrize("path", IN_ENGLISH, ids=lambda path: str(path.relative_to(PROJECT)))
def test_the_english_is_plain(path: Path) -> None:
    assert list(violations(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("name", WITH_COMMENTS)
def test_the_english_of_comments_is_plain(name: str) -> None:
    assert list(violations(comments((PROJECT / name).read_text(encoding="utf-8")))) == []


def test_bad_english_of_a_comment_is_seen() -> None:
    text = "#!/bin/sh\nit = is none  # behind code\n  # A  user\n  # he is.\n#he=1\n"
    assert comments(text) == "\n\nA | user\nhe is.\n\n"
    (violation,) = violations(comments(text))
    assert violation.startswith("line 4: 'he'")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (1, "The lists go on. So do loaded keys."),
        (1, "Exempt are pages of localhost."),
        (2, "Who reads the log is too slow."),
        (2, "The key is kept; what cannot be read is refused."),
        (2, "It stops, and logs it. One that nobody asks would\nnever be answered."),
        (2, "| `busy` | What listens there must be stopped. |"),
        (2, "One page for who is woken up."),
        (3, "Where there are none it may be left out."),
        (3, "A file that is no key is refused."),
        (4, "It waits " + "and waits " * 20 + "."),
        (5, "The client shall close."),
        (6, "A user proves who he\nis."),
        (7, "Git ignores that folder, for it holds keys."),
        (
            7,
            "Connecting is enough, for a gateway that stops closes its port, for a\nnew one is up.",
        ),
        (7, "It removes all of the above but the user."),
        (7, "It is read by whoever asks."),
        (7, "The list is made anew."),
        (9, "Every certificate must be a CA's."),
    ],
)
def test_bad_english_is_seen(rule: int, text: str) -> None:
    (violation,) = violations(f"# A heading\n\n* {text}\n")
    assert re.match(rf"line [34]: .*; rule {rule}: ", violation)


def test_good_english_and_code_pass() -> None:
    text = """# What goes wrong

Who may read it? There is no file, and it is no longer used. It waits for an hour, for example.
`he shall` is code, ``a key` for it is`` too.

```sh
what he has is none
```

| what it is | where it goes |
|---|---|
| a key | for those who have one |
"""
    text += f"| a list of words in backticks is one word | {', '.join(['`x-*`'] * 50)} |\n"
    assert list(violations(text)) == []


def test_the_examples_of_the_style_keep_it() -> None:
    text = (PROJECT / "docs" / "style.md").read_text(encoding="utf-8")
    better = re.findall(r"^\+ (.+)$", text, re.MULTILINE)
    assert len(better) == len(re.findall(r"^- (.+)$", text, re.MULTILINE)) == 12
    assert list(violations("\n\n".join(better[:-1]))) == []
