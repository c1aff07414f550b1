"""Both roles of STP against the bytes of the other side, as targets for the fuzzer."""

from __future__ import annotations

from tests.support.stp_sessions import recorded_client, recorded_server, recordings
from tunnel_gateway.protocol.events import ClientAuthenticated, Failed
from tunnel_gateway.protocol.stp.stp_connection import StpConnection
from tunnel_gateway.protocol.stp.stp_server import StpServerConnection

# A whole recorded tunnel, and twice as much.
LIMIT = 16 * 1024
_NAME = "10-e-b-gcfb"


def _receive(connection: StpConnection, data: bytes) -> None:
    """Give it one step after the other; raises the error that ended the tunnel."""
    connection.data_to_send()
    while data:
        step = connection.missing
        connection.receive_data(data[:step])
        data = data[step:]
        for event in connection.events_received():
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, ClientAuthenticated):
                assert isinstance(connection, StpServerConnection)
                connection.accept()


def read_client(data: bytes) -> None:
    """Be the server for a client that sends ``data``."""
    _receive(recorded_server(recordings()[_NAME]), data)


def read_server(data: bytes) -> None:
    """Be the client of a server that sends ``data``."""
    _receive(recorded_client(recordings()[_NAME]), data)


def client_seeds() -> list[bytes]:
    """Recorded bytes of clients; the first of them open a tunnel."""
    return [recordings()[name].client.wire for name in (_NAME, "20-refused-2")]


def server_seeds() -> list[bytes]:
    """The same from servers."""
    return [recordings()[name].server.wire for name in (_NAME, "20-refused-2")]
