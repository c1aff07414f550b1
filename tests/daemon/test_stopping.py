from __future__ import annotations

import io
import json

from tunnel_gateway.daemon.stopping import STEPS, STOPPED, WAITING, Stopping


def test_each_step_is_numbered_and_logged(log: io.StringIO) -> None:
    stopping = Stopping()
    assert not stopping.begun
    for name in STEPS:
        stopping.begin(name, tunnels=7, seconds=30.0)
        assert stopping.begun
    assert [one.number for one in stopping.steps] == [1, 2, 3, 4, 5, 6]
    waiting = stopping.steps[STEPS.index(WAITING)]
    assert waiting.text == "waiting up to 30 s for 7 open tunnels"
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[-1]["name"] == STOPPED
