"""Tunnels through a real balancer to two real gateways, and what befalls each of them."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED, accept, everything, receive_head
from tests.support.fleet import Fleet, Member
from tests.support.peer import Peer
from tests.support.processes import wait_until

USER = "127.0.0.9"  # another address than that by which the balancer connects


@dataclass
class Tunnel:
    """An open tunnel, from end to end."""

    peer: Peer
    application: socket.socket
    head: bytes
    tunnel_id: str

    def works(self) -> None:
        """Send something both ways."""
        self.peer.send(b"salom")
        assert self.application.recv(5) == b"salom"
        self.application.sendall(b"alik")
        assert self.peer.data(4) == b"alik"

    def finish(self) -> None:
        """Close it in order."""
        self.peer.send_close()
        assert everything(self.application) == b""
        self.application.shutdown(socket.SHUT_WR)
        assert self.peer.data_to_close() == b""


@contextmanager
def tunnel(fleet: Fleet, credentials: Credentials, destination: socket.socket) -> Iterator[Tunnel]:
    peer = Peer(fleet.balancer.address, credentials.settings(dst_id="raw"), USER)
    with peer.socket:
        tunnel_id = peer.open().hex()
        peer.upgrade()
        with accept(destination) as application:
            head = receive_head(application)
            application.sendall(SWITCHED)
            assert peer.data(len(SWITCHED)) == SWITCHED
            yield Tunnel(peer, application, head, tunnel_id)


def serving(fleet: Fleet, one: Tunnel) -> Member:
    """Return the gateway that a tunnel has ended at."""

    def find() -> Member | None:
        for gateway in fleet.gateways:
            if any(line.get("tunnel_id") == one.tunnel_id for line in gateway.records()):
                return gateway
        return None

    found = wait_until(find, f"a line for {one.tunnel_id}")
    assert found is not None
    return found


def test_tunnels_are_spread_and_their_users_known(
    fleet: Fleet, credentials: Credentials, destination: socket.socket
) -> None:
    with ExitStack() as stack:
        tunnels = [stack.enter_context(tunnel(fleet, credentials, destination)) for _ in range(6)]
        for one in tunnels:
            one.works()
            assert f"\r\nX-Forwarded-For: {USER}\r\n".encode() in one.head
            one.finish()
        for one in tunnels:
            host, port = one.peer.name.split(":")
            line = serving(fleet, one).logged("tunnel_closed", tunnel_id=one.tunnel_id)
            assert (host, line["client"]) == (USER, f"{USER}:{port}")
            assert line["reason"] == "completed"
        spread = Counter(serving(fleet, one).pid for one in tunnels)
    assert sorted(spread.values()) in ([3, 3], [2, 4])
    # Neither the balancer's health checks nor its first connection were worth a line.
    for gateway in fleet.gateways:
        assert set(gateway.events()) == {"listening", "tunnel_closed"}


def test_the_balancer_is_reloaded(
    fleet: Fleet, credentials: Credentials, destination: socket.socket
) -> None:
    with ExitStack() as stack:
        before = [stack.enter_context(tunnel(fleet, credentials, destination)) for _ in range(2)]
        for one in before:
            one.works()
        fleet.reload_balancer()
        with tunnel(fleet, credentials, destination) as after:
            after.works()
            after.finish()
        for one in before:
            one.works()
            one.finish()
            line = serving(fleet, one).logged("tunnel_closed", tunnel_id=one.tunnel_id)
            assert line["reason"] == "completed"


def test_a_gateway_is_killed(
    fleet: Fleet, credentials: Credentials, destination: socket.socket
) -> None:
    """It is the last test with this fleet, because one of its gateways is gone."""
    with ExitStack() as stack:
        tunnels = [stack.enter_context(tunnel(fleet, credentials, destination)) for _ in range(4)]
        fleet.gateways[0].kill()
        living = [one for one in tunnels if _lives(one)]
        assert 1 <= len(living) <= 3
        for one in living:
            one.works()
        with tunnel(fleet, credentials, destination) as after:
            after.works()
            after.finish()
            assert serving(fleet, after) is fleet.gateways[1]
        for one in living:
            one.works()
            one.finish()
            line = fleet.gateways[1].logged("tunnel_closed", tunnel_id=one.tunnel_id)
            assert line["reason"] == "completed"


def _lives(one: Tunnel) -> bool:
    """Tell whether what the user sends still arrives: a dead gateway's sockets end at once."""
    with suppress(OSError):
        one.peer.send(b"?")
    with suppress(ConnectionResetError):
        return one.application.recv(1) == b"?"
    return False
