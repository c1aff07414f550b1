"""The tunnels on the page: everything escaped, and every part of their state."""

from __future__ import annotations

from typing import Any

from tests.support.html_tags import EVIL, Tags, check_escaped
from tunnel_gateway.gateway.admin.sections import sections


def state(text: str = "x") -> dict[str, Any]:
    return {
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
        "workers": [
            {
                "worker": number,
                "tunnels": 12,
                "busy": busy,
                "bytes_up": 1,
                "bytes_down": 3_000_000,
                "rate_up": None,
                "rate_down": 40_000,
            }
            for number, busy in enumerate((0.93, None))
        ],
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
                "protocol": text,
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
                "protocol": "unknown",
                "seconds": 0.1,
                "bytes_up": 0,
                "bytes_down": 0,
                "rate_up": None,
                "rate_down": None,
            },
        ],
    }


def shown(text: str) -> str:
    return "\n".join(sections(state(text)))


def test_what_strangers_write_is_text() -> None:
    check_escaped(shown("x"), shown(EVIL))


def test_it_says_what_there_is() -> None:
    text = "\n".join(Tags(shown("qiymat")).words)
    for word in (
        "Connections: 300, the oldest 2 of them",
        "answers",
        "down",
        "2.0MB",
        "qiymat",
        "Threads that carry tunnels",
        "93%",
        "3.0MB",
        "40kB/s",
    ):
        assert word in text


def test_no_table_of_threads_where_there_are_none() -> None:
    assert "Threads" not in "".join(sections(state() | {"workers": []}))
