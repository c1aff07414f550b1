"""The page: everything escaped, nothing that runs, and every part of the state on it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from tunnel_gateway.gateway.admin.page import page

EVIL = "\"><script>alert(1)</script>&lt;'"


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
        "domains": [{"domain": text, "days_left": 3, "until": text, "accepted": False}],
        "destinations": [
            {
                "dst_id": text,
                "address": text,
                "tunnels": 1,
                "up": up,
                "since": since,
                "fault": text,
            }
            for up, since in ((True, text), (False, text), (None, None))
        ],
        "limits": [{"limit": text, "used": 1, "most": 2}],
        "public_key_queue": 0,
        "connections_total": 300,
        "connections_shown": [
            {
                "tunnel_id": text,
                "stage": text,
                "client": text,
                "user": text,
                "serial": text,
                "domain": text,
                "dst_id": text,
                "seconds": 5.5,
                "bytes_up": 1,
                "bytes_down": 2_000_000,
                "rate_up": None,
                "rate_down": 10,
            },
            {
                "tunnel_id": None,
                "stage": "handshake",
                "client": text,
                "user": None,
                "serial": None,
                "domain": None,
                "dst_id": None,
                "seconds": 0.1,
                "bytes_up": 0,
                "bytes_down": 0,
                "rate_up": None,
                "rate_down": None,
            },
        ],
    } | changes


class Tags(HTMLParser):
    """Which elements there are, and the text in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_what_strangers_write_is_text() -> None:
    steps = [{"step": 1, "name": EVIL, "at": EVIL, "text": EVIL}]
    shown = page(state(EVIL, stop=steps, not_ready=[EVIL], warnings=[EVIL]))
    plain = Tags(page(state(stop=steps, not_ready=["x"], warnings=["x"])))
    evil = Tags(shown)
    assert (evil.names, evil.attributes) == (plain.names, plain.attributes)
    assert "script" not in evil.names
    assert not {name for name in evil.attributes if name.startswith("on") or name == "style"}
    assert EVIL in evil.words


def test_it_says_what_there_is() -> None:
    text = "\n".join(Tags(page(state("qiymat"))).words)
    for word in ("ready", "Connections: 300, the oldest 2 of them", "answers", "down", "2.0MB"):
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
    heads = page(state(**changes)).split("<h1>")[1].split("</h1>")[0]
    assert f">{word}</span>" in heads
