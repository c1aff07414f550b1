"""Bytes in both directions: back-pressure, and each direction ends on its own."""

from __future__ import annotations

import os
import select
import socket
import threading

import pytest

from tests.support.credentials import Credentials
from tests.support.destination import everything, join
from tests.support.peer import Peer
from tests.support.processes import Gateway
from tunnel_gateway.protocol.events import CloseReceived

MIB = 2**20
BLOCK = os.urandom(MIB)
BLOCKS = 40
# What sockets of this machine may hold on the way, and a generous share for Python.
HELD = 24 * MIB
GROWTH = 12 * MIB


def is_stuck(connection: socket.socket) -> bool:
    """Tell whether nothing more can be sent for half a second."""
    return not select.select([], [connection], [], 0.5)[1]


def send_until_stuck(connection: socket.socket, data: bytes) -> int:
    """Send until nobody takes any more; return how many bytes are on their way."""
    sent = 0
    view = memoryview(data)
    connection.setblocking(False)
    while sent < len(data) and not is_stuck(connection):
        sent += connection.send(view[sent : sent + MIB])
    connection.setblocking(True)
    return sent


def test_a_destination_that_does_not_read(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        before = gateway.memory()
        for _ in range(BLOCKS):
            peer.connection.send_data(BLOCK)
        peer.connection.send_close()
        data = peer.connection.data_to_send()
        sent = send_until_stuck(peer.socket, data)
        assert sent < HELD
        assert gateway.memory() - before < GROWTH
        rest = threading.Thread(target=peer.socket.sendall, args=(data[sent:],))
        rest.start()
        assert everything(other) == BLOCK * BLOCKS
        rest.join()
        other.shutdown(socket.SHUT_WR)
        assert isinstance(peer.event(), CloseReceived)
    line = gateway.logged("tunnel_closed", reason="completed")
    assert line["bytes_up"] == BLOCKS * MIB


def test_a_page_that_does_not_read(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        before = gateway.memory()
        data = BLOCK * BLOCKS
        sent = send_until_stuck(other, data)
        assert sent < HELD
        assert gateway.memory() - before < GROWTH

        def send_rest() -> None:
            other.sendall(data[sent:])
            other.shutdown(socket.SHUT_WR)

        rest = threading.Thread(target=send_rest)
        rest.start()
        assert peer.data_to_close() == data
        rest.join()
        peer.send_close()
        assert everything(other) == b""
    line = gateway.logged("tunnel_closed", reason="completed")
    assert line["bytes_down"] == BLOCKS * MIB + 36


def test_the_page_ends_first(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        peer.send(b"savol")
        peer.send_close()
        assert everything(other) == b"savol"
        other.sendall(BLOCK)
        other.shutdown(socket.SHUT_WR)
        assert peer.data_to_close() == BLOCK
    assert gateway.logged("tunnel_closed")["reason"] == "completed"


def test_the_destination_ends_first(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        other.sendall(b"javob")
        other.shutdown(socket.SHUT_WR)
        assert peer.data_to_close() == b"javob"

        def send() -> None:
            peer.send(BLOCK)
            peer.send_close()

        sending = threading.Thread(target=send)
        sending.start()
        assert everything(other) == BLOCK
        sending.join()
    assert gateway.logged("tunnel_closed")["reason"] == "completed"


@pytest.mark.parametrize("after", [0, 1000])
def test_a_record_changed_in_an_open_tunnel(
    after: int, gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        peer.send(b"a" * after) if after else None
        peer.connection.send_data(b"b" * 100)
        record = bytearray(peer.connection.data_to_send())
        record[-1] ^= 1
        peer.socket.sendall(record)
        assert peer.alert() == "bad_record"
        assert everything(other) == b"a" * after
    assert gateway.logged("tunnel_closed")["reason"] == "bad_record"
