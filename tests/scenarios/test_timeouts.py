"""Whoever lets the other side wait is waited for so long and no longer."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.credentials import Credentials
from tests.support.destination import accept, everything, join, receive_head
from tests.support.peer import UPGRADE, Peer
from tests.support.processes import LOOPBACK, Agent, Gateway, ReservedPort
from tunnel_gateway.protocol.events import CloseReceived, Failed

StartGateway = Callable[..., Gateway]


def test_no_request_comes(
    start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
) -> None:
    gateway = start_gateway(upgrade_timeout=0.3)
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        peer.open()
        peer.send(UPGRADE[:-1])
        assert peer.alert() == "timed_out"
    line = gateway.logged("tunnel_refused")
    assert (line["reason"], line["detail"]) == ("timed_out", "no upgrade request came in 0.3 s")


def test_no_answer_comes(
    start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
) -> None:
    gateway = start_gateway(upgrade_timeout=0.3)
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        peer.open()
        peer.upgrade()
        with accept(destination) as other:
            receive_head(other)
            other.sendall(b"HTTP/1.1 10")
            assert peer.alert() == "timed_out"
    detail = gateway.logged("tunnel_refused")["detail"]
    assert detail == "the destination did not answer the upgrade in 0.3 s"


@pytest.fixture
def full_backlog(raw_port: ReservedPort) -> Iterator[None]:
    """The destination ``raw`` drops what wants to connect, as a machine that is gone does."""
    with ExitStack() as stack:
        stack.enter_context(raw_port.listen(backlog=0))
        for _ in range(4):
            connection = stack.enter_context(socket.socket())
            connection.setblocking(False)
            connection.connect_ex((LOOPBACK, raw_port.number))
        yield


@pytest.mark.usefixtures("full_backlog")
def test_a_destination_that_does_not_answer_at_all(
    start_gateway: StartGateway, credentials: Credentials, start_agent: Callable[..., Agent]
) -> None:
    gateway = start_gateway(connect_timeout=0.3)
    message = start_agent(port=gateway.port, dst_id="raw").failure()
    assert message.startswith("the other side ended the tunnel: destination_unreachable ")
    assert gateway.logged("tunnel_refused")["detail"].endswith(" did not answer in 0.3 s")


def test_nobody_says_anything(
    start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
) -> None:
    gateway = start_gateway(idle_timeout=1)
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        peer.send(b"a")
        assert peer.alert() == "timed_out"
        assert everything(other) == b"a"
    line = gateway.logged("tunnel_closed")
    assert (line["reason"], line["detail"]) == ("idle_timeout", "the idle time-out was reached")
    assert 1 <= line["seconds"] < 3


def test_the_destination_does_not_end_after_the_page(
    start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
) -> None:
    gateway = start_gateway(halfclose_timeout=0.3)
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        peer.send_close()
        assert everything(other) == b""
        assert peer.alert() == "timed_out"
    assert gateway.logged("tunnel_closed")["reason"] == "half_close_timeout"


def test_the_page_does_not_end_after_the_destination(
    start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
) -> None:
    gateway = start_gateway(halfclose_timeout=0.3)
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        other.shutdown(socket.SHUT_WR)
        assert isinstance(peer.event(), CloseReceived)
        # A close is the last record of its direction, so there is no alert after it.
        assert peer.socket.recv(100) == b""
        assert everything(other) == b""
    assert gateway.logged("tunnel_closed")["reason"] == "half_close_timeout"


def test_the_client_leaves_while_the_gateway_connects(
    start_gateway: StartGateway, credentials: Credentials, full_backlog: None
) -> None:
    gateway = start_gateway(connect_timeout=0.5)
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        while peer.connection.next_deadline is not None and not _proven(peer):
            pass
        reset = b"\1\0\0\0\0\0\0\0"
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    assert gateway.logged("tunnel_refused")["reason"] == "destination_unreachable"


def _proven(peer: Peer) -> bool:
    """Do one step of the handshake; True when the client's proof is sent."""
    peer.flush()
    peer.connection.receive_data(peer.socket.recv(65536))
    proof = peer.connection.data_to_send()
    peer.socket.sendall(proof)
    assert not any(isinstance(one, Failed) for one in peer.connection.events_received())
    return bool(proof)
