"""The memory of the process: one line when it is full, and one when it is free again."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from tests.support.log_lines import read_records
from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.daemon import resident_memory
from tunnel_gateway.daemon.resident_memory import MIB, MemoryWatch
from tunnel_gateway.observability import process
from tunnel_gateway.observability.background import keep_running


def test_each_change_is_one_line(log: io.StringIO) -> None:
    used = iter([0, 9 * MIB, 10 * MIB, 11 * MIB, 12 * MIB, 9 * MIB, 8 * MIB, 10 * MIB])
    watch = MemoryWatch(10 * MIB, lambda: next(used))
    found = []
    for _ in range(7):
        watch.look()
        found.append(watch.full)
    assert found == [False, True, True, True, False, False, True]
    lines = read_records(log.getvalue())
    assert [line["event"] for line in lines] == ["memory_full", "memory_free", "memory_full"]
    assert (lines[0]["megabytes"], lines[0]["limit"], lines[0]["level"]) == (10, 10, "error")


def test_another_limit_counts_at_once() -> None:
    watch = MemoryWatch(0, lambda: 5)
    assert not watch.full
    watch.limit = 5
    assert watch.full


async def test_it_is_looked_at_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = asyncio.Event()
    numbers = iter(range(5))

    def read() -> int:
        number = next(numbers, 5)
        if number == 5:
            looked.set()
        return number

    watch = MemoryWatch(0, read)
    monkeypatch.setattr(resident_memory, "_SECONDS", 0.001)
    running = keep_running("memory", watch.round)
    async with asyncio.timeout(TIME_LIMIT):
        await looked.wait()
    running.cancel()


def test_where_there_is_no_proc(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process, "PROC", tmp_path)
    watch = MemoryWatch(1)
    for _ in range(3):
        watch.look()
        assert (watch.used, watch.full) == (0, False)
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert line["event"] == "memory_unknown"
    assert "tunnel.memory.limit" in line["effect"]
