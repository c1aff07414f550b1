"""So many tunnels and handshakes at once and no more; places come back."""

from __future__ import annotations

import resource
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack

from tests.support.credentials import Credentials
from tests.support.destination import join
from tests.support.peer import Peer
from tests.support.processes import TIME_LIMIT, Agent, Gateway, wait_until
from tunnel_gateway.protocol.events import CloseReceived, Failed, Opened

StartGateway = Callable[..., Gateway]


def lets_in(gateway: Gateway, credentials: Credentials) -> bool:
    with Peer.of(gateway, credentials) as peer:
        event = peer.event()
        assert isinstance(event, Opened | Failed)
        return isinstance(event, Opened)


def test_open_tunnels(
    start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
) -> None:
    gateway = start_gateway(limit=2)
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer.of(gateway, credentials, dst_id="raw")) for _ in range(2)]
        for peer in peers:
            stack.enter_context(join(peer, destination))
        for _ in range(3):
            with Peer.of(gateway, credentials, dst_id="raw") as refused:
                assert refused.alert() == "overloaded"
                line = gateway.logged("tunnel_refused", client=refused.name)
                assert line["reason"] == "overloaded"
                assert "tunnel.limit" in line["detail"]
    wait_until(lambda: lets_in(gateway, credentials), "a free place")
    for _ in range(5):  # and none of them is lost
        wait_until(lambda: lets_in(gateway, credentials), "a free place")


def test_handshakes_in_progress(
    start_gateway: StartGateway,
    credentials: Credentials,
    start_agent: Callable[..., Agent],
) -> None:
    gateway = start_gateway(handshake_limit=2, handshake_timeout=300)
    with ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(gateway.address, timeout=TIME_LIMIT))
            for _ in range(2)
        ]
        message = start_agent(port=gateway.port).failure()
        assert message.startswith("the other side ended the tunnel: overloaded (the gateway is f")
        assert "tunnel.handshake.limit" in gateway.logged("tunnel_refused")["detail"]
        silent[0].sendall(b"garbage")
    wait_until(lambda: lets_in(gateway, credentials), "a free place")


def test_a_crowd_at_a_full_door(
    start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
) -> None:
    gateway = start_gateway(limit=1)
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        with ExitStack() as stack:
            crowd = [
                stack.enter_context(socket.create_connection(gateway.address, timeout=TIME_LIMIT))
                for _ in range(300)
            ]
            for one in crowd:
                assert one.recv(100)[3:4] == b"\x0f"  # overloaded, in clear
        peer.send(b"a")
        assert other.recv(1) == b"a"
        wait_until(lambda: gateway.sockets() <= gateway.idle_sockets + 2, "the crowd gone")


def test_no_descriptors_left(
    start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
) -> None:
    gateway = start_gateway()
    pid = gateway.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (gateway.sockets() + 20, before[1]))
        with ExitStack() as stack:
            for _ in range(60):
                stack.enter_context(socket.create_connection(gateway.address, TIME_LIMIT))
            assert "Too many open files" in gateway.logged("accept_failed")["detail"]
            peer.send(b"hali ham")
            assert other.recv(100) == b"hali ham"
            # An end of data takes no descriptor.
            other.shutdown(socket.SHUT_WR)
            assert isinstance(peer.event(), CloseReceived)
            peer.send_close()
            assert other.recv(100) == b""
        assert gateway.logged("tunnel_closed")["reason"] == "completed"
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    wait_until(lambda: lets_in(gateway, credentials), "a free place")
    failures = [line for line in gateway.records() if line["event"] == "accept_failed"]
    assert len(failures) < 5  # once for each run of failures, not for each try


def test_the_memory_is_watched_also_after_there_was_no_descriptor_to_look_with(
    start_gateway: StartGateway, credentials: Credentials
) -> None:
    gateway = start_gateway(memory_limit=100_000)
    pid = gateway.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (gateway.sockets() + 20, before[1]))
        for _ in range(60):
            stack.enter_context(socket.create_connection(gateway.address, TIME_LIMIT))
        assert "statm" in gateway.logged("background_failed", loop="memory")["detail"]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    text = gateway.config.read_text(encoding="utf-8")
    gateway.config.write_text(text.replace("=100000\n", "=1\n"), encoding="utf-8")
    gateway.signal(signal.SIGHUP)
    gateway.logged("memory_full")
    assert not lets_in(gateway, credentials)
