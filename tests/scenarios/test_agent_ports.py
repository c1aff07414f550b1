"""The agent beside an E-IMZO that goes, comes back, hangs, or has only one of its ports."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.e_imzo import EImzo
from tests.support.page import Page
from tests.support.processes import (
    LOOPBACK,
    PROJECT,
    LoggingProgram,
    ReservedPort,
    check_event,
    command,
)
from tunnel_gateway.agent.api.local_certificate import LocalCertificate
from tunnel_gateway.observability.event_table import AGENT_EVENTS

NOBODY = 65534
by_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


class Machine:
    """A machine whose pairs of ports are two pairs of this test's own."""

    def __init__(self, folder: Path, ends: ExitStack) -> None:
        self._folder = folder
        self._ends = ends
        reserved = [ReservedPort() for _ in range(4)]
        self.ports = [port.number for port in reserved]
        for port in reserved:
            port.close()
        self.first, self.second = self.ports[:2], self.ports[2:]
        folder.chmod(0o755)
        (folder / "password").touch(mode=0o600)
        pairs = ", ".join(f"ports.Ports({ws}, {wss})" for ws, wss in (self.first, self.second))
        # Other tests run at the same time, and all programs see the names of all processes.
        self.name = f"imzo{secrets.token_hex(4)}"
        self.program = command(
            "import re",
            "from tunnel_gateway.agent import neighbour",
            "from tunnel_gateway.agent.api import ports",
            f"ports.PAIRS = ({pairs})",
            f"neighbour.NAME = re.compile({self.name!r})",
        )

    def e_imzo(self, ports: list[int] | None = None, **options: Any) -> EImzo:
        """Start an E-IMZO, and wait until it listens or has found its ports taken."""
        ports = self.first if ports is None else ports
        options = {"name": self.name} | options
        return self._ends.enter_context(EImzo(self._folder, ports, **options))

    def agent(self, state: str = "state") -> LoggingProgram:
        """Start an agent."""
        agent = LoggingProgram(
            "the agent",
            *self.program,
            *("agent", "--state", str(self._folder / state)),
            *("--password-file", str(self._folder / "password")),
        )
        self._ends.callback(_stop, agent)
        return agent

    def status(self) -> tuple[int, str]:
        """Run `agent status`; returns its exit code and its words."""
        done = subprocess.run(
            (sys.executable, *self.program, "agent", "status"),
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.stderr
        return done.returncode, done.stdout


def _stop(agent: LoggingProgram) -> None:
    if agent.process.poll() is None:
        assert agent.stop() == 0, agent.last_words()
    for line in agent.errors:
        if line.startswith("{"):
            check_event(json.loads(line), AGENT_EVENTS)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with ExitStack() as ends:
        yield Machine(tmp_path, ends)


def edition(port: int) -> object:
    """What answers on a port; None if nothing does."""
    try:
        return Page(port, None).call("version")["edition"]
    except OSError:
        return None


def test_alone_it_has_the_first_pair(machine: Machine) -> None:
    agent = machine.agent()
    said = agent.next_output()
    assert [said["ws_port"], said["wss_port"]] == machine.first
    assert "first_ports_held_by" not in said
    assert edition(machine.first[0]) == "tunnel-gateway"
    assert edition(machine.second[0]) is None
    code, words = machine.status()
    assert code == 0
    assert f"first pair {machine.first[0]}/{machine.first[1]}: an agent of this user" in words
    assert f"second pair {machine.second[0]}/{machine.second[1]}: free" in words


@pytest.mark.parametrize("by_java", [False, True])
def test_beside_e_imzo_and_alone_again(machine: Machine, *, by_java: bool) -> None:
    name = "E-IMZO" if by_java else machine.name
    jar: Any = {"name": "java", "jar": f"/opt/{machine.name}.jar"} if by_java else {}
    e_imzo = machine.e_imzo(**jar)
    assert e_imzo.word == "listening"
    agent = machine.agent()
    said = agent.next_output()
    assert [said["ws_port"], said["wss_port"]] == machine.second
    assert said["first_ports_held_by"].startswith(f"{name}, process {e_imzo.process.pid} of user ")
    assert agent.logged("listening")["holder"] == said["first_ports_held_by"]
    assert [edition(port) for port in (machine.first[0], machine.second[0])] == [
        "desktop",
        "tunnel-gateway",
    ]
    code, words = machine.status()
    assert code == 0
    assert f"{name}, process {e_imzo.process.pid} of user " in words
    assert "it answers as version 6.4.7" in words
    e_imzo.end()
    agent.logged("first_ports_taken", seconds=10, ws=machine.first[0], wss=machine.first[1])
    assert edition(machine.first[0]) == edition(machine.second[0]) == "tunnel-gateway"


def test_it_makes_room_and_ends_no_call(machine: Machine) -> None:
    agent = machine.agent()
    agent.next_output()
    with Page(machine.first[0], None).socket() as open_socket:
        starting = machine.e_imzo([])  # its process is there, its ports are not yet
        agent.logged("first_ports_left", seconds=10, ws=machine.second[0], wss=machine.second[1])
        assert edition(machine.second[0]) == "tunnel-gateway"
        assert edition(machine.first[0]) is None
        open_socket.send('{"name":"version"}')
        assert json.loads(open_socket.recv())["success"] is True
        e_imzo = machine.e_imzo()
        assert e_imzo.word == "listening"
        assert edition(machine.first[0]) == "desktop"
        assert agent.stop() == 0
        with pytest.raises(ConnectionClosed, match="1001"):
            open_socket.recv()
    assert starting.process.poll() is None


def test_an_e_imzo_with_one_of_its_ports(machine: Machine) -> None:
    for port in machine.first:
        with machine.e_imzo([port]):
            agent = machine.agent()
            said = agent.next_output()
            assert [said["ws_port"], said["wss_port"]] == machine.second
            assert said["first_ports_held_by"].startswith(f"{machine.name}, process ")
            for other in machine.first:
                assert (edition(other) == "tunnel-gateway") is False
            code, words = machine.status()
            assert (code, f"{machine.name}, process " in words) == (0, True)
            _stop(agent)


def test_an_e_imzo_that_hangs(machine: Machine) -> None:
    machine.e_imzo(answering=False)
    agent = machine.agent()
    assert agent.next_output()["ws_port"] == machine.second[0]
    assert edition(machine.second[0]) == "tunnel-gateway"
    code, words = machine.status()
    assert code == 0
    assert "it does not answer" in words


def test_an_e_imzo_with_its_certificate(machine: Machine, tmp_path: Path) -> None:
    """It holds both ports as the real program does, ws and wss."""
    certificate = LocalCertificate(tmp_path / "e-imzo-state")
    certificate.ensure(datetime.now(UTC))
    machine.e_imzo(certificate=certificate.server)
    assert machine.agent().next_output()["ws_port"] == machine.second[0]


def test_no_ports_at_all(machine: Machine) -> None:
    machine.e_imzo(machine.ports)
    agent = machine.agent()
    assert agent.exit_code() == 1
    assert "other programs have the agent's ports: " in agent.last_words()
    assert agent.last_words().count(f"{machine.name}, process ") == 2
    assert machine.status()[0] == 1


def test_without_a_second_pair_it_keeps_the_first(machine: Machine) -> None:
    agent = machine.agent()
    agent.next_output()
    machine.e_imzo(machine.second, name="boshqa")
    machine.e_imzo([])
    agent.logged("first_ports_kept", seconds=10)
    assert edition(machine.first[0]) == "tunnel-gateway"


@by_root
def test_agents_of_two_users(machine: Machine) -> None:
    """The first user's agent serves nobody else, so pages go on to the second pair."""
    first = machine.agent("first")
    first.next_output()
    said = machine.agent("second").next_output()
    assert said["ws_port"] == machine.second[0]
    script = (
        "import encodings.idna, os, sys\n"
        "from websockets.sync.client import connect\n"
        "from websockets.exceptions import InvalidStatus\n"
        f"os.setuid({NOBODY})\n"
        "try:\n"
        f"    connect('ws://{LOOPBACK}:' + sys.argv[1] + '/service/cryptapi', proxy=None)\n"
        "except InvalidStatus as error:\n"
        "    print(error.response.status_code)\n"
    )
    stranger = subprocess.run(
        (sys.executable, "-c", script, str(machine.first[0])),
        capture_output=True,
        text=True,
        check=False,
    )
    assert stranger.stdout == "403\n", stranger.stderr
    first.logged("request_refused", detail="This agent serves another user of this machine")


@by_root
def test_the_first_pair_belongs_to_another_user(machine: Machine) -> None:
    machine.e_imzo(user=NOBODY)
    said = machine.agent().next_output()
    assert said["ws_port"] == machine.second[0]
    assert said["first_ports_held_by"].endswith("of user nobody")
