"""The page: everything escaped, nothing that runs, and every part of the state on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.html_tags import EVIL, Tags, check_escaped
from tunnel_gateway.daemon.admin.page import Html, mark, page, table


def state(text: str = "x", **changes: Any) -> dict[str, Any]:
    return {
        "version": text,
        "pid": 7,
        "now": text,
        "seconds": 61,
        "warnings": [],
        "ready": True,
        "not_ready": [],
        "stop": [],
        "limits": [{"limit": text, "used": 1, "most": 2}],
        "public_key_queue": 0,
    } | changes


def test_what_strangers_write_is_text() -> None:
    steps = [{"step": 1, "name": EVIL, "at": EVIL, "text": EVIL}]
    shown = page(state(EVIL, stop=steps, not_ready=[EVIL], warnings=[EVIL]), [])
    check_escaped(page(state(stop=steps, not_ready=["x"], warnings=["x"]), []), shown)


def test_it_says_what_there_is() -> None:
    shown = page(state("qiymat"), ["<p>a service</p>", "<p>another</p>"])
    text = "\n".join(Tags(shown).words)
    for word in ("ready", "qiymat", "public-key queue", "a service", "another"):
        assert word in text
    assert "process 7, up for 1m01s" in text


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"ready": False, "not_ready": ["no way"]}, "not ready"),
        ({"stop": [{"step": 1, "name": "a", "at": "b", "text": "first"}]}, "stopping"),
    ],
)
def test_the_head_says_how_it_is(changes: dict[str, Any], word: str) -> None:
    heads = page(state(**changes), []).split("<h1>")[1].split("</h1>")[0]
    assert f">{word}</span>" in heads


def test_a_table_has_texts_numbers_and_html() -> None:
    shown = "".join(
        table("A & B", ("<", ">"), [("<b>", 1), (Html("<i>x</i>"), mark(None, "", ""))])
    )
    assert "A &amp; B" in shown
    assert '<td>&lt;b&gt;</td><td class="number">1</td>' in shown
    assert "<td><i>x</i></td><td>–</td>" in shown
