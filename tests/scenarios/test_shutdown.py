"""SIGTERM drains: what runs may end, nothing new begins, and in the end all are told."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

import pytest
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect

from tests.support.credentials import Credentials
from tests.support.destination import everything, finish, join
from tests.support.peer import Peer
from tests.support.processes import TIME_LIMIT, Agent, Gateway

StartGateway = Callable[..., Gateway]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_tunnel_goes_on(
    number: int,
    start_gateway: StartGateway,
    credentials: Credentials,
    destination: socket.socket,
) -> None:
    gateway = start_gateway()
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        gateway.signal(number)
        assert gateway.logged("draining")["connections"] == 1
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(gateway.address)
        finish(peer, other)
    assert gateway.exit_code() == 0
    assert [(line["event"], line.get("step")) for line in gateway.records()] == [
        ("listening", None),
        ("stop_step", 1),
        ("stop_step", 2),
        ("draining", None),
        ("stop_step", 3),
        ("stop_step", 4),
        ("tunnel_closed", None),
        ("stop_step", 5),
        ("stop_step", 6),
        ("stopped", None),
    ]


def test_what_is_not_open_yet_is_told_at_once(
    start_gateway: StartGateway, credentials: Credentials
) -> None:
    gateway = start_gateway()
    with (
        socket.create_connection(gateway.address, timeout=TIME_LIMIT) as silent,
        Peer.of(gateway, credentials) as peer,
    ):
        peer.open()
        gateway.signal(signal.SIGTERM)
        assert peer.alert() == "shutting_down"
        assert silent.recv(100)[3:4] == b"\x11"
    assert gateway.exit_code() == 0
    reasons = [line["reason"] for line in gateway.records() if line["event"] == "tunnel_refused"]
    assert reasons == ["shutting_down", "shutting_down"]


def test_the_drain_ends(
    start_gateway: StartGateway, start_agent: Callable[..., Agent], api: object
) -> None:
    gateway = start_gateway(drain_timeout=0.3)
    agent = start_agent(port=gateway.port)
    host, port = agent.address()
    with connect(f"ws://{host}:{port}/", proxy=None) as page:
        page.send("salom")
        assert page.recv(TIME_LIMIT) == "salom"
        gateway.signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosedOK) as caught:
            page.recv(TIME_LIMIT)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001  # going away
        assert caught.value.rcvd.reason.startswith("shutting_down: ")
    assert "the other side ended the tunnel: shutting_down (" in agent.failure()
    assert gateway.exit_code() == 0
    assert gateway.logged("tunnel_closed")["reason"] == "shutting_down"


def test_a_second_signal_insists(
    start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
) -> None:
    gateway = start_gateway(drain_timeout=3600)
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        gateway.signal(signal.SIGTERM)
        gateway.logged("draining", seconds=3600)
        gateway.signal(signal.SIGTERM)
        assert peer.alert() == "shutting_down"
        assert everything(other) == b""
    assert gateway.exit_code() == 0


def test_with_nothing_to_drain(start_gateway: StartGateway) -> None:
    gateway = start_gateway(drain_timeout=3600)
    gateway.signal(signal.SIGTERM)
    assert gateway.exit_code() == 0
