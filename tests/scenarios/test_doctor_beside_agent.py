"""``doctor agent`` beside a real agent and a real gateway, as a user would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.page import AgentService
from tests.support.processes import COMMAND, PROJECT, Api, Gateway

GOOD = ["ports", "settings", "truststore", "gateway", "keys", "certificate"]


def examined(agent: AgentService, home: Path, *more: str) -> tuple[int, list[dict[str, Any]]]:
    ports = agent.ports
    done = subprocess.run(
        (
            *(sys.executable, *COMMAND, "doctor", "agent", "--json"),
            *("--settings", str(agent.state.parent / "agent.properties")),
            *("--state", str(agent.state), "--ws-port", str(ports["ws_port"])),
            *("--wss-port", str(ports["wss_port"]), *more),
        ),
        cwd=PROJECT,
        env=os.environ | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("language", ["uz", "ru", "en"])
def test_all_is_well_and_then_the_gateway_goes(
    credentials: Credentials, api: Api, tmp_path: Path, language: str
) -> None:
    gateway = Gateway(credentials, tmp_path, {"0": api.port})
    agent = AgentService(credentials, tmp_path, gateway.port)
    try:
        _, findings = examined(agent, tmp_path, "--language", language)
        bad = [found for found in findings if found["area"] in GOOD and found["status"] != "ok"]
        assert not bad
        assert set(GOOD) <= {found["area"] for found in findings}
        gateway.logged("tunnel_refused", reason="alert_received")
        assert gateway.stop() == 0
        code, findings = examined(agent, tmp_path, "--language", language)
        assert code == 1
        (fault,) = [found for found in findings if found["status"] == "fault"]
        assert (fault["area"], fault["subject"]) == ("gateway", FIRST_DOMAIN)
    finally:
        agent.stop()
        if gateway.process.poll() is None:
            gateway.stop()
    gateway.check_log()
