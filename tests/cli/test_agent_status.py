"""``agent status``; tests/scenarios/test_agent_ports.py has it beside an agent and an E-IMZO."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from tests.support.loopback import LOOPBACK
from tunnel_gateway.agent.api.port_answer import Kind, PortAnswer
from tunnel_gateway.agent.api.ports import Ports
from tunnel_gateway.agent.neighbour import user_name
from tunnel_gateway.cli import agent_status
from tunnel_gateway.cli.main import main


def test_no_agent(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as first, socket.socket() as second:
        numbers = []
        for bound in (first, second):
            bound.bind((LOOPBACK, 0))
            numbers.append(bound.getsockname()[1])
        ws, wss = numbers
        assert main(["agent", "status", "--ws-port", str(ws), "--wss-port", str(wss)]) == 1
    words = capsys.readouterr().out
    assert f"ports {ws}/{wss}: free\n" in words
    assert "no agent answers this user: start it with tunnel-gateway agent\n" in words


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"salom\r\n\r\n", "it does not answer as E-IMZO does"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "it does not serve this user"),
    ],
)
def test_another_program(answer: bytes, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:

        def serve() -> None:
            for _ in range(2):  # the first only looks whether somebody listens
                connection, _ = listening.accept()
                with connection:
                    if connection.recv(4096):
                        connection.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        port = listening.getsockname()[1]
        with socket.socket() as bound:
            bound.bind((LOOPBACK, 0))
            options = ["--ws-port", str(port), "--wss-port", str(bound.getsockname()[1])]
            assert main(["agent", "status", *options]) == 1
        serving.join()
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asking", "words", "exit_code"),
    [
        ("itself", "an agent of this user", 0),
        ("root", "an agent of user {user}", 0),
        ("another user", "a program of user {user} that only says that it is an agent", 1),
    ],
)
def test_whose_agent_it_is(
    asking: str,
    words: str,
    exit_code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every agent answers root, and none answers another user."""

    async def is_agent(_: int) -> PortAnswer:
        return PortAnswer(Kind.AGENT)

    user = user_name(os.getuid())
    monkeypatch.setattr(agent_status, "ask_version", is_agent)
    if asking != "itself":
        monkeypatch.setattr(agent_status, "user_name", lambda _: "boshqa")
        monkeypatch.setattr(os, "getuid", lambda: 0 if asking == "root" else 4711)
    with socket.create_server((LOOPBACK, 0)) as ws, socket.create_server((LOOPBACK, 0)) as wss:
        ports = Ports(ws.getsockname()[1], wss.getsockname()[1])
        assert agent_status.show(ports) == exit_code
    assert words.format(user=user) in capsys.readouterr().out
