"""Agents that run: real processes, and what their command lines say."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.processes import wait_until
from tunnel_gateway.doctor import running_agent
from tunnel_gateway.doctor.running_agent import running_agents

PROGRAM = Path(sysconfig.get_path("scripts"), "tunnel-gateway")


def test_an_agent(tmp_path: Path) -> None:
    settings, state = tmp_path / "agent.properties", tmp_path / "state"
    settings.touch()
    password = tmp_path / "password"
    password.touch(mode=0o600)
    started = subprocess.Popen(
        (
            *(sys.executable, PROGRAM, "agent", "--ws-port", "0", "--wss-port=0"),
            *("--settings", settings, f"--state={state}", "--password-file", password),
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "INSPECTABLE"},
    )
    with started as agent:
        assert agent.stdout is not None
        assert agent.stdout.readline().startswith(b'{"ws_port"')
        try:
            assert {"--settings": settings, "--state": state} in list(running_agents())
        finally:
            agent.terminate()
    wait_until(lambda: all(files.get("--state") != state for files in running_agents()), "no agent")


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (
            ["/usr/bin/tunnel-gateway", "agent", "--run-conf", "/a/run.conf"],
            {"--run-conf": "/a/run.conf"},
        ),
        (["python3", "/bin/tunnel-gateway", "agent", "--settings=a"], {}),
        (["python3", "-c", "import tunnel_gateway", "agent", "--state=/a"], {"--state": "/a"}),
        (["tunnel-gateway", "agent", "--state"], {}),
        (["tunnel-gateway", "agent", "status"], None),
        (["tunnel-gateway", "serve"], None),
        (["vim", "tunnel-gateway"], None),
        ([], None),
    ],
)
def test_command_lines(
    monkeypatch: pytest.MonkeyPatch, words: Sequence[str], files: dict[str, str] | None
) -> None:
    monkeypatch.setattr(running_agent, "processes", lambda: [os.getpid()])
    monkeypatch.setattr(running_agent, "words_of", lambda _: words)
    expected = [] if files is None else [{name: Path(path) for name, path in files.items()}]
    assert list(running_agents()) == expected


def test_an_agent_of_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_agent, "words_of", lambda _: ["tunnel-gateway", "agent"])
    monkeypatch.setattr(running_agent, "user_of", lambda _: os.getuid() + 1)
    assert list(running_agents()) == []
