"""A small fleet goes its whole course, and what came of it is told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import cast

from benchmarks.fleet.course import BACK, BEFORE, FILLING, KILL, UPGRADE, UPGRADED, Outcome
from benchmarks.fleet.load import Account
from benchmarks.fleet.phases import Crowds, Phase, Watch
from benchmarks.fleet.report import BEGIN, END, rows, section, totals
from benchmarks.machine import Machine
from benchmarks.programs import ROOT
from benchmarks.publish import DOCUMENT, replace_marked
from tests.support.fleet import find_or_skip

MACHINE = Machine("ACME Chip (R) 9000", 2, 4, "6.1", "3.11", "0.22", "3.0", "5.68", "avx2")
COURSE = (FILLING, BEFORE, UPGRADE, UPGRADED, KILL, BACK)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "benchmarks.fleet", *arguments)
    return subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, encoding="utf-8", check=False
    )


def test_a_small_fleet() -> None:
    find_or_skip("haproxy")
    done = run("--idle", "50", "--busy", "10", "--seconds", "1", "--rounds", "1")
    assert done.returncode == 0, done.stderr
    heading, _, *lines = done.stdout.splitlines()
    table = [re.split(r" {2,}", line) for line in lines[: len(COURSE)]]
    assert [row[0] for row in table] == [*COURSE]
    assert {len(row) for row in table} == {len(re.split(r" {2,}", heading))}
    for phase, _, open_tunnels, _, failed, echoes, *_ in table:
        if phase != FILLING:
            assert float(echoes) > 0
        if phase not in (FILLING, KILL):
            assert (open_tunnels, failed) == ("60", "0")
    told = dict(line.rsplit(": ", 1) for line in lines[len(COURSE) : -1])
    assert told["tunnels lost by the upgrade"] == "0"
    assert told["tunnels lost in all other phases"] == "0"
    kept = told["of these, still open at the end of the round"]
    # A visitor may have been there when he was asked, and has gone.
    assert 0 < int(kept) <= int(told["tunnels of the old daemon when it had to stop"])
    assert 0 < int(told["tunnels lost by the kill"]) <= 60 - int(kept) + 1
    assert f"{BEFORE}: 60 of 60 tunnels open" in done.stderr


def test_more_than_the_descriptors_is_refused() -> None:
    done = run("--idle", "99999999")
    assert done.returncode == 1
    assert "descriptors are needed" in done.stderr
    assert not done.stdout


def outcome(failed: int) -> Outcome:
    phases = [
        Phase(
            name,
            seconds=10.0,
            fewest=100,
            most=100,
            made=50,
            failed=failed,
            lost=40 if name == KILL else 0,
            slowest=0.5,
            echoes=[1.0, 2.0],
            cpu_seconds=5.0,
            memory_kib=1000,
            reasons=Counter(),
        )
        for name in COURSE
    ]
    return Outcome(phases, had_upgraded=60, kept_upgraded=59, had_killed=40, again_seconds=3.0)


def test_rounds_are_told_together() -> None:
    _, row, *_ = rows([outcome(failed=2), outcome(failed=0)])
    assert row == [
        *(FILLING, "10.0", "100", "50", "0 / 2", "0.20", "1.00", "2.00", "0.50", "0.50", "10.0")
    ]
    told = totals([outcome(failed=0)])
    assert told[0] == "tunnels lost by the upgrade: 0"
    assert "tunnels lost by the kill: 40" in told
    assert told[-1].endswith(": 3.00")


def test_a_phase_too_short_for_an_echo_has_no_times_of_them() -> None:
    silent = outcome(failed=0)
    for phase in silent.phases:
        phase.echoes.clear()
    _, row, *_ = rows([outcome(failed=0), silent])
    assert row[5:] == ["0.10 (0.00..0.20)", "-", "-", "0.50", "0.50", "10.0"]


class ToldLater:
    """A crowd that tells of its one echo in its second account."""

    open, staying, told_at = 1, 1, 0.0

    def accounts(self) -> Iterator[Account]:
        first = not self.told_at
        self.told_at = time.monotonic() if not first else 1e-9
        yield Account(self.told_at, echoes=[] if first else [1.0])


def test_what_is_told_a_moment_later_belongs_to_the_phase_in_which_it_happened() -> None:
    watch = Watch(cast("Crowds", ToldLater()), [])
    assert watch.phase("short", lambda _: True).echoes == [1.0]


def test_our_document_has_the_marks() -> None:
    text = section([outcome(failed=0)], MACHINE, "Conditions.")
    document = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    assert f"{BEGIN}\n\nMeasured on " in replace_marked(document, text, BEGIN, END)
