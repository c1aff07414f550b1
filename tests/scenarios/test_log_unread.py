"""A log that nobody reads: the gateway and the agent go on, and end when they are told to."""

from __future__ import annotations

import fcntl
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.admin import Operator
from tests.support.credentials import Credentials
from tests.support.page import AgentService
from tests.support.peer import Peer
from tests.support.processes import LOOPBACK, TIME_LIMIT, Gateway, Program, command

# What the pipe of a log that nobody reads holds.
PIPE = 4096
# The lines about them are many times what makes write(2) stand.
STRANGERS = 600
# The agent writes 30 lines a minute of each kind. With two kinds that is twice the pipe.
REFUSED = 40


def stop_reading(program: Program) -> None:
    """Let nobody read the log."""
    assert program.process.stderr is not None
    fcntl.fcntl(program.process.stderr, fcntl.F_SETPIPE_SZ, PIPE)
    program.reading.clear()


def call(gateway: Gateway) -> None:
    """Be a stranger who asks for a page."""
    with socket.create_connection(gateway.address, timeout=TIME_LIMIT) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        stranger.recv(100)


def test_the_gateway(
    start_gateway: Callable[..., Gateway], credentials: Credentials, tmp_path: Path
) -> None:
    path = tmp_path / "admin.sock"
    gateway = start_gateway(admin_listen=f"unix:{path}", drain_timeout=1)
    operator = Operator(path)
    stop_reading(gateway)
    for _ in range(STRANGERS):
        call(gateway)
    assert operator.ask("/healthz").status == 200
    with Peer.of(gateway, credentials) as peer:
        peer.open()
        gateway.signal(signal.SIGTERM)
        assert peer.alert() == "shutting_down"
    assert gateway.process.wait(TIME_LIMIT) == 0
    gateway.reading.set()


def test_the_gateway_says_how_much_nobody_read(credentials: Credentials, tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    little = command("from tunnel_gateway.observability import lines", "lines.MAX_WAITING = 10_000")
    settings = {"admin.listen": f"unix:{path}"}
    gateway = Gateway(credentials, tmp_path, {"api": 1}, settings, little)
    operator = Operator(path)
    stop_reading(gateway)
    for _ in range(STRANGERS // 3):
        call(gateway)
    assert "warning: nobody reads the log" in operator.ask("/healthz").text
    lost = operator.metric("tunnel_gateway_log_lines_lost_total")
    assert lost > STRANGERS / 10
    gateway.reading.set()
    assert gateway.logged("log_lines_lost")["lost"] == lost
    assert operator.ask("/healthz").text == "ok\n"
    gateway.forget()
    call(gateway)
    gateway.logged("tunnel_refused")
    assert gateway.stop() == 0
    gateway.check_log()


def test_the_agent(start_service: Callable[..., AgentService]) -> None:
    service = start_service()
    page = service.page()
    stop_reading(service)
    for _ in range(REFUSED):
        with pytest.raises(InvalidStatus):
            connect(f"ws://{LOOPBACK}:{page.port}/nothing", proxy=None)
    for _ in range(REFUSED):
        assert page.call("list_disks", plugin="pfx")["code"] == "api_key_required"
    assert page.call("version")["success"] is True
    service.signal(signal.SIGTERM)
    assert service.process.wait(TIME_LIMIT) == 0
    service.reading.set()
