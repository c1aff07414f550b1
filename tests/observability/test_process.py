from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.support.processes import Program, resident_memory
from tunnel_gateway.observability import process
from tunnel_gateway.observability.process import Process, resident_bytes

MIB = 2**20


def test_the_memory_is_what_the_system_says() -> None:
    assert abs(resident_bytes() - resident_memory(os.getpid())) < 64 * MIB
    assert resident_bytes() > MIB


def states(known: Process) -> dict[str, float]:
    known.look()
    return {name: value for name, _, value in known.samples()}


def test_what_the_system_says() -> None:
    before = time.time()
    process = Process()
    samples = states(process)
    assert before <= samples["process_start_time_seconds"] <= time.time()
    assert samples["process_resident_memory_bytes"] > 1 << 20
    assert samples["process_cpu_seconds_total"] > 0
    assert samples["process_max_fds"] >= samples["process_open_fds"]


# In a process of its own: what other tests have left open is closed at any time.
OPEN_AND_CLOSE = """
import json, os
from tunnel_gateway.observability.process import Process

def descriptors():
    known = Process()
    known.look()
    return dict((name, value) for name, _, value in known.samples())["process_open_fds"]

seen = [descriptors()]
pipes = [os.pipe() for _ in range(5)]
seen.append(descriptors())
for pair in pipes:
    for end in pair:
        os.close(end)
seen.append(descriptors())
print(json.dumps(seen))
"""


def test_descriptors_are_those_that_are_open() -> None:
    program = Program("a process", "-c", OPEN_AND_CLOSE)
    before, opened, closed = program.next_output()
    assert program.exit_code() == 0
    assert before >= 3
    assert (opened, closed) == (before + 10, before)


def test_before_the_first_look_there_is_nothing() -> None:
    assert list(Process().samples()) == []


def test_what_is_missing_without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "PROC", tmp_path)
    known = Process()
    known.look()
    assert {name for name, _, _ in known.samples()} == {
        "process_start_time_seconds",
        "process_cpu_seconds_total",
        "process_max_fds",
    }
