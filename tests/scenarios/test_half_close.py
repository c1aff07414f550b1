"""One direction ends and the other goes on, as docs/protocol.md has it, for another client too."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED, accept, everything, receive_head
from tests.support.loopback import reset
from tests.support.peer import UPGRADE
from tests.support.processes import TIME_LIMIT, Gateway
from tests.support.second_client import ALERT, CLOSE, DATA, SecondClient

MIB = 2**20
MUCH = 8 * MIB
DESTINATION_UNREACHABLE = 12


@contextmanager
def opened(
    gateway: Gateway, credentials: Credentials, listening: socket.socket
) -> Iterator[tuple[SecondClient, socket.socket]]:
    """A tunnel of a second implementation, its WebSocket open, and the destination's side."""
    identity = credentials.citizen.identity
    with SecondClient(gateway.address, identity, "example.uz") as client:
        client.open("raw")
        client.send_data(UPGRADE)
        with accept(listening) as destination:
            receive_head(destination)
            destination.sendall(SWITCHED)
            assert client.receive() == (DATA, SWITCHED)
            yield client, destination


def ends_tcp(client: SecondClient) -> None:
    client.socket.shutdown(socket.SHUT_WR)


def keeps_tcp(client: SecondClient) -> None:
    pass


@pytest.mark.parametrize("leave", [ends_tcp, keeps_tcp])
def test_a_download_after_the_clients_close(
    leave: Callable[[SecondClient], None],
    gateway: Gateway,
    credentials: Credentials,
    destination: socket.socket,
) -> None:
    said = os.urandom(MUCH)
    with opened(gateway, credentials, destination) as (client, other):
        client.send(CLOSE)
        leave(client)
        assert everything(other) == b""
        with ThreadPoolExecutor(1) as threads:
            sending = threads.submit(say, other, said)
            assert client.data_to_close() == said
            sending.result(TIME_LIMIT)
    assert gateway.logged("tunnel_closed")["reason"] == "completed"


def say(connection: socket.socket, data: bytes) -> None:
    connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def test_an_upload_after_the_destinations_end(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    said = os.urandom(MUCH)
    with opened(gateway, credentials, destination) as (client, other):
        other.shutdown(socket.SHUT_WR)
        assert client.receive() == (CLOSE, b"")
        with ThreadPoolExecutor(1) as threads:
            receiving = threads.submit(everything, other)
            client.send_data(said)
            client.send(CLOSE)
            ends_tcp(client)
            assert receiving.result(TIME_LIMIT) == said
    assert gateway.logged("tunnel_closed")["reason"] == "completed"


def test_both_at_once_with_data_on_the_way(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    up, down = os.urandom(MUCH), os.urandom(MUCH)
    with (
        opened(gateway, credentials, destination) as (client, other),
        ThreadPoolExecutor(3) as threads,
    ):
        receiving = threads.submit(everything, other)
        saying = threads.submit(say, other, down)

        def upload() -> None:
            client.send_data(up)
            client.send(CLOSE)
            ends_tcp(client)

        uploading = threads.submit(upload)
        assert client.data_to_close() == down
        assert receiving.result(TIME_LIMIT) == up
        saying.result(TIME_LIMIT)
        uploading.result(TIME_LIMIT)
    line = gateway.logged("tunnel_closed")
    assert (line["reason"], line["bytes_up"]) == ("completed", MUCH)


@pytest.mark.parametrize("leave", [ends_tcp, keeps_tcp])
def test_a_download_that_is_cut_gets_no_close(
    leave: Callable[[SecondClient], None],
    gateway: Gateway,
    credentials: Credentials,
    destination: socket.socket,
) -> None:
    with opened(gateway, credentials, destination) as (client, other):
        client.send(CLOSE)
        leave(client)
        assert everything(other) == b""
        other.sendall(b"boshi")
        assert client.receive() == (DATA, b"boshi")
        reset(other)
        last = client.receive()
        assert last is not None
        assert last[0] == ALERT
        assert last[1][0] == DESTINATION_UNREACHABLE
        assert client.receive() is None
    assert gateway.logged("tunnel_closed")["reason"] == "destination_lost"


def test_a_client_that_is_gone_after_its_close(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    """Nobody reads on: the first bytes that come back are answered with a reset."""
    with opened(gateway, credentials, destination) as (client, other):
        client.send(CLOSE)
        assert everything(other) == b""
        reset(client.socket)
        with pytest.raises(OSError, match=r"reset|pipe"):  # noqa: PT012 (when it is noticed)
            while True:
                other.sendall(bytes(MIB))
    assert gateway.logged("tunnel_closed")["reason"] == "peer_left"
