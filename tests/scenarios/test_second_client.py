"""Where another implementation had to guess: what docs/protocol.md says, over the wire."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from tests.support import reference_protocol as reference
from tests.support.credentials import Credentials
from tests.support.destination import everything
from tests.support.peer import UPGRADE
from tests.support.pki import ders
from tests.support.processes import Gateway
from tests.support.second_client import ALERT, CLOSE, HANDSHAKE, SecondClient
from tunnel_gateway.protocol.alerts import AlertCode

Open = Callable[[], SecondClient]


@pytest.fixture
def client(gateway: Gateway, credentials: Credentials) -> Iterator[SecondClient]:
    """A second implementation that has connected."""
    with SecondClient(gateway.address, credentials.citizen.identity, "example.uz") as made:
        yield made


def clear_alert(client: SecondClient) -> AlertCode:
    """The alert in clear that must be all that comes."""
    found = everything(client.socket)
    assert found[:1] == b"\x03"
    assert len(found) == 3 + int.from_bytes(found[1:3], "big")
    return AlertCode(found[3])


def sealed_alert(client: SecondClient) -> AlertCode:
    """The protected alert that must come next and last."""
    received = client.receive()
    assert received is not None
    assert received[0] == ALERT
    assert client.record() == b""
    return AlertCode(received[1][0])


@pytest.mark.parametrize("size", [0, 1, 8])
def test_a_fragment_under_nine_bytes(client: SecondClient, size: int) -> None:
    client.meet()
    client.socket.sendall(b"\x02" + size.to_bytes(2, "big") + bytes(size))
    assert sealed_alert(client) is AlertCode.BAD_RECORD


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x01\x02x", b"\x01\x00x"])
def test_a_malformed_alert(client: SecondClient, body: bytes) -> None:
    client.meet()
    client.send(ALERT, body)
    assert sealed_alert(client) is AlertCode.PROTOCOL_ERROR


def test_a_malformed_alert_in_clear(client: SecondClient) -> None:
    client.socket.sendall(reference.clear_record(3, b"\x01\x02x"))
    assert clear_alert(client) is AlertCode.PROTOCOL_ERROR


def test_a_text_that_is_no_utf_8(client: SecondClient, gateway: Gateway) -> None:
    client.meet()
    client.send(ALERT, b"\x10\x02\xff\xfe")
    assert client.record() == b""  # nothing answers an alert
    assert "timed_out" in gateway.logged("tunnel_refused", reason="alert_received")["detail"]


def test_an_alert_after_a_close(
    client: SecondClient, destination: socket.socket, gateway: Gateway
) -> None:
    client.open("raw")
    client.send_data(UPGRADE)
    client.send(CLOSE)
    client.send(ALERT, b"\x11\x00")
    assert sealed_alert(client) is AlertCode.PROTOCOL_ERROR
    assert gateway.logged("tunnel_refused")["reason"] == "protocol_error"


def test_an_unknown_type_waits_for_its_header(client: SecondClient) -> None:
    client.socket.sendall(b"\x09")
    client.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.socket.recv(1)
    client.socket.settimeout(20)
    client.socket.sendall(b"\x00\x00")
    assert clear_alert(client) is AlertCode.PROTOCOL_ERROR


@pytest.mark.parametrize("said", [b"", b"\x01", b"\x01\x00\x80EIMZ"])
def test_an_end_before_a_whole_hello(client: SecondClient, said: bytes) -> None:
    client.socket.sendall(said)
    client.socket.shutdown(socket.SHUT_WR)
    assert clear_alert(client) is AlertCode.PROTOCOL_ERROR


def test_an_end_before_the_request_is_whole(
    client: SecondClient, destination: socket.socket
) -> None:
    client.open("raw")
    client.send_data(UPGRADE[:-2])
    client.socket.shutdown(socket.SHUT_WR)
    assert sealed_alert(client) is AlertCode.PROTOCOL_ERROR


def test_a_close_before_the_request_is_whole(
    client: SecondClient, destination: socket.socket
) -> None:
    client.open("raw")
    client.send_data(UPGRADE[:-2])
    client.send(CLOSE)
    assert sealed_alert(client) is AlertCode.NOT_WEBSOCKET


def test_the_chain_after_its_first_certificate_has_no_order(
    client: SecondClient, credentials: Credentials, destination: socket.socket
) -> None:
    leaf, *centres = ders(credentials.citizen.identity)
    root = credentials.authority.root.leaf.der
    client.prove(client.meet(), "raw", [leaf, root, *reversed(centres)])
    received = client.receive()
    assert received is not None
    assert received[0] == HANDSHAKE


def test_the_owners_certificate_comes_first(
    client: SecondClient, credentials: Credentials, destination: socket.socket
) -> None:
    client.prove(client.meet(), "raw", list(reversed(ders(credentials.citizen.identity))))
    assert sealed_alert(client) is AlertCode.CERTIFICATE_UNSUITABLE


def test_a_leaf_that_is_an_anchor(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    with SecondClient(gateway.address, credentials.authority.root, "example.uz") as client:
        client.prove(client.meet(), "raw")
        assert sealed_alert(client) is AlertCode.CERTIFICATE_UNSUITABLE
