"""The application's side of a tunnel as a plain socket that the test holds in its hand."""

from __future__ import annotations

import socket

from tests.support.peer import Peer
from tests.support.processes import TIME_LIMIT
from tunnel_gateway.protocol.events import CloseReceived

SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


def accept(listening: socket.socket) -> socket.socket:
    """Take the next connection."""
    connection, _ = listening.accept()
    connection.settimeout(TIME_LIMIT)
    return connection


def receive_head(connection: socket.socket) -> bytes:
    """Receive a request up to the end of its head."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(65536)
        assert data, head
        head += data
    return head


def everything(connection: socket.socket) -> bytes:
    """Receive to the end of the data."""
    found = bytearray()
    while data := connection.recv(65536):
        found += data
    return bytes(found)


def finish(peer: Peer, other: socket.socket) -> None:
    """Pass a text through an open tunnel, and end it in order. ``other``: from `join`."""
    peer.send(b"hali ham")
    assert other.recv(100) == b"hali ham"
    other.shutdown(socket.SHUT_WR)
    assert isinstance(peer.event(), CloseReceived)
    peer.send_close()
    assert everything(other) == b""


def join(peer: Peer, listening: socket.socket) -> socket.socket:
    """Open a tunnel and its WebSocket; return the destination's side."""
    peer.open()
    peer.upgrade()
    connection = accept(listening)
    while not connection.recv(1, socket.MSG_PEEK):  # a probe of the gateway's, not the tunnel
        connection.close()
        connection = accept(listening)
    receive_head(connection)
    connection.sendall(SWITCHED)
    assert peer.data(len(SWITCHED)) == SWITCHED
    return connection
