"""The local address of a tunnel: one connection, and not for long."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

import pytest
from websockets.sync.client import connect

from tests.support.processes import TIME_LIMIT, Agent, Gateway

StartAgent = Callable[..., Agent]


def test_a_second_connection_is_refused(start_agent: StartAgent) -> None:
    agent = start_agent(preloaded=False)
    host, port = agent.address()
    with connect(f"ws://{host}:{port}/", proxy=None) as page:
        page.send("bir")
        assert page.recv(TIME_LIMIT) == "bir"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, port))
        page.send("ikki")
        assert page.recv(TIME_LIMIT) == "ikki"
    assert agent.exit_code() == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port))


def test_unused_it_expires(gateway: Gateway, start_agent: StartAgent) -> None:
    agent = start_agent(more=("--expires", "0.3"))
    host, port = agent.address()
    assert agent.failure() == f"nobody connected to {host}:{port} in 0.3 s"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port))
    line = gateway.logged("tunnel_refused")
    assert line["reason"] == "alert_received"
    assert "timed_out" in line["detail"]


def test_the_gateway_ends_before_the_page_comes(
    start_gateway: Callable[..., Gateway], start_agent: StartAgent
) -> None:
    gateway = start_gateway()
    agent = start_agent(port=gateway.port)
    agent.address()
    gateway.signal(signal.SIGTERM)
    assert agent.failure().startswith("the other side ended the tunnel: shutting_down (")
    assert gateway.exit_code() == 0


def test_the_gateways_patience_ends_first(
    start_gateway: Callable[..., Gateway], start_agent: StartAgent
) -> None:
    gateway = start_gateway(upgrade_timeout=0.3)
    agent = start_agent(port=gateway.port)
    agent.address()
    assert agent.failure().startswith("the other side ended the tunnel: timed_out (")
    assert gateway.logged("tunnel_refused")["reason"] == "timed_out"
