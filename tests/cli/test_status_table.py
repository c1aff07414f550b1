"""The state as lines: complete, in columns, and no wider than the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from tunnel_gateway.cli.status_table import lines

TUNNEL = {
    "tunnel_id": "0123456789abcdef0123456789abcdef",
    "stage": "open",
    "client": "192.0.2.1:5000",
    "user": "G… O…",
    "serial": "42a63314",
    "domain": "example.uz",
    "dst_id": "0",
    "protocol": "stp",
    "seconds": 3700.0,
    "bytes_up": 500,
    "bytes_down": 1500,
    "rate_up": None,
    "rate_down": 24_000,
}
WORKER = {"worker": 0, "tunnels": 7, "busy": 0.42, "rate_up": 1000, "rate_down": 5_000_000}
STRANGER = TUNNEL | dict.fromkeys(("tunnel_id", "user", "serial", "domain", "dst_id"))


def state(**changes: Any) -> dict[str, Any]:
    return {
        "version": "1.0",
        "pid": 7,
        "seconds": 61,
        "warnings": [],
        "ready": True,
        "not_ready": [],
        "stop": [],
        "domains": [
            {"domain": "example.uz", "days_left": 7, "accepted": True},
            {"domain": "boshqa.uz", "days_left": -1, "accepted": False},
        ],
        "destinations": [
            {"dst_id": "0", "up": True, "tunnels": 1, "address": "192.0.2.9:80"},
            {"dst_id": "1", "up": False, "tunnels": 0, "address": "192.0.2.9:81"},
            {"dst_id": "2", "up": None, "tunnels": 0, "address": "192.0.2.9:82"},
        ],
        "limits": [
            {"limit": "tunnel.limit", "used": 1, "most": 10000},
            {"limit": "tunnel.memory.limit", "used": 67_000_000, "most": 2_000_000_000},
        ],
        "public_key_queue": 3,
        "workers": [WORKER, WORKER | {"worker": 1, "busy": None, "rate_up": None}],
        "connections_total": 2,
        "connections_shown": [TUNNEL, STRANGER],
    } | changes


def test_everything_is_there() -> None:
    found = [line.split() for line in lines(state(), 200)]
    assert found[0] == ["tunnel-gateway", "1.0:", "ready,", "up", "for", "1m01s,", "process", "7"]
    for row in (
        "example.uz 7 yes",
        "boshqa.uz -1 NO",
        "0 up 1 192.0.2.9:80",
        "1 DOWN 0 192.0.2.9:81",
        "2 ? 0 192.0.2.9:82",
        "tunnel.limit 1 10000",
        "tunnel.memory.limit 67MB 2.0GB",
        "public-key queue 3",
        "0 7 42% 1.0kB 5.0MB",
        "1 7 - - 5.0MB",
        "connections: 2",
        "01234567 open 1h01m - 24kB 2.0kB 0 stp G… O… 42a63314 192.0.2.1:5000",
        "- open 1h01m - 24kB 2.0kB - stp - - 192.0.2.1:5000",
    ):
        assert row.split() in found


def test_columns_stand_under_their_heads() -> None:
    found = list(lines(state(), 200))
    head = next(line for line in found if line.startswith("TUNNEL"))
    row = next(line for line in found if line.startswith("01234567"))
    for name, text in (("STAGE", "open"), ("USER", "G…"), ("FROM", "192.0.2.1")):
        assert head.index(name) == row.index(text)
    assert head.index("SUM") + 3 == row.index("2.0kB") + 5


@pytest.mark.parametrize("width", [10, 40, 79, 80, 132])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = state(not_ready=["x" * 500], ready=False)
    assert max(map(len, lines(long, width, ids=True))) <= max(width, 40)


def test_who_has_what_fits_into_80_columns() -> None:
    row = next(line for line in lines(state(), 80) if line.startswith("01234567"))
    assert "42a63314" in row


def test_whole_ids() -> None:
    assert any(
        line.startswith("0123456789abcdef0123456789abcdef ")
        for line in lines(state(), 200, ids=True)
    )


def test_a_stop_and_what_is_wrong() -> None:
    steps = [{"step": 1, "text": "first"}, {"step": 2, "text": "second"}]
    found = list(lines(state(stop=steps, not_ready=["stopping"], warnings=["disk"]), 200))
    assert "STOPPING" in found[0]
    assert found[1:5] == ["  ! stopping", "  ! disk", "  1. first", "  2. second"]
    assert "NOT READY" in next(lines(state(ready=False, not_ready=["why"]), 200))


def test_part_of_many() -> None:
    assert "connections: 9000, the oldest 2 of them" in lines(state(connections_total=9000), 200)


def test_the_busiest_of_many_threads() -> None:
    workers = [WORKER | {"worker": number, "busy": number / 100} for number in range(64)]
    found = list(lines(state(workers=workers), 200))
    first = found.index("threads: 64, the busiest 8 of them")
    assert [line.split()[0] for line in found[first + 2 : first + 10]] == [
        *map(str, range(63, 55, -1))
    ]
    assert found[first + 10] == ""


def test_what_strangers_write_moves_no_cursor() -> None:
    evil = TUNNEL | {"user": "\x1b[2J\u202e", "client": "a\nb"}
    text = "".join(lines(state(connections_shown=[evil]), 400))
    assert text.isprintable()


@pytest.mark.parametrize("without", ["none", "an older gateway"])
def test_a_gateway_without_threads(without: str) -> None:
    shown = state(workers=[])
    if without != "none":
        del shown["workers"]
    assert not [line for line in lines(shown, 200) if "THREAD" in line]


def test_a_daemon_without_tunnels() -> None:
    parts = ("domains", "destinations", "workers", "connections_total", "connections_shown")
    without = {name: value for name, value in state().items() if name not in parts}
    found = [line.split() for line in lines(without, 200)]
    assert ["tunnel.memory.limit", "67MB", "2.0GB"] in found
    assert not [line for line in found if line[:1] in (["DOMAIN"], ["DST_ID"], ["TUNNEL"])]
