"""The steps of a stop; tests/scenarios/test_shutdown.py has those of a real gateway."""

from __future__ import annotations

import io
from pathlib import Path

from tests.support.log_lines import read_records
from tunnel_gateway.daemon.stopping import STEPS, Stopping, StopStep, as_markdown

ROOT = Path(__file__).parents[2]


# Tunnels and calls of the REST API are waited for, and cut off, at the same time.
NUMBERS = [1, 2, 3, 4, 4, 5, 5, 6]


def test_each_step_is_numbered_and_logged(log: io.StringIO) -> None:
    stopping = Stopping()
    assert not stopping.begun
    for step in STEPS:
        stopping.begin(step, count=7, seconds=30.0)
        assert stopping.begun
    assert [one.number for one in stopping.steps] == NUMBERS
    waiting = stopping.steps[STEPS.index(StopStep.WAITING)]
    assert waiting.text == "waiting up to 30 s for 7 open tunnels"
    lines = read_records(log.getvalue())
    assert [line["step"] for line in lines] == NUMBERS
    assert [line["name"] for line in lines] == [step.value for step in StopStep]
    assert lines[-1]["name"] == "stopped"


def test_the_manual_has_the_table() -> None:
    assert as_markdown() in (ROOT / "docs" / "operations.md").read_text("utf-8")
