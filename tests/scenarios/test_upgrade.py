"""The upgrade request: what a page may send through the tunnel, and what it sees."""

from __future__ import annotations

import socket
from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import unquote

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED, accept, everything, receive_head
from tests.support.peer import UPGRADE, Peer
from tests.support.processes import TIME_LIMIT, Agent, Gateway
from tunnel_gateway.protocol.events import CloseReceived

StartAgent = Callable[..., Agent]
REFUSAL = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nyo'q!"


def test_a_page_of_another_origin(gateway: Gateway, start_agent: StartAgent) -> None:
    agent = start_agent()
    host, port = agent.address()
    with pytest.raises(InvalidStatus) as caught:
        connect(f"ws://{host}:{port}/", origin=Origin("https://yomon.uz"), proxy=None)
    answer = caught.value.response
    assert answer.status_code == 403
    assert answer.body.startswith(b"not_permitted: the other side ended the tunnel")
    assert agent.failure().startswith("alert_received: the other side ended the tunnel: not_perm")
    line = gateway.logged("tunnel_refused", reason="not_permitted")
    assert "https://yomon.uz" in line["detail"]


def test_a_request_that_is_no_websocket(gateway: Gateway, start_agent: StartAgent) -> None:
    agent = start_agent()
    connection = HTTPConnection(*agent.address(), timeout=TIME_LIMIT)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.status == 400
    assert answer.read().startswith(b"not_websocket: ")
    connection.close()
    assert agent.exit_code() == 1
    assert gateway.logged("tunnel_refused")["reason"] == "not_websocket"


def test_too_many_cookies_at_the_address_of_connect(
    gateway: Gateway, start_agent: StartAgent
) -> None:
    """Nobody reads the request before the gateway does, and the page sees why all the same."""
    agent = start_agent()
    connection = HTTPConnection(*agent.address(), timeout=TIME_LIMIT)
    connection.request("GET", "/", headers={"Cookie": "a" * 17_000})
    answer = connection.getresponse()
    assert answer.status == 431
    assert answer.read().startswith(b"request_too_large: ")
    connection.close()
    assert agent.exit_code() == 1
    line = gateway.logged("tunnel_refused")
    assert line["reason"] == "request_too_large"
    assert "longer than 16384 bytes, cookies included" in line["detail"]


@pytest.mark.parametrize(
    ("request_", "alert"),
    [
        (b"\x16\x03\x01", "not_websocket"),
        (b"POST / HTTP/1.1\r\n", "not_websocket"),
        (UPGRADE.replace(b"Host: example.uz\r\n", b""), "not_websocket"),
        (UPGRADE.replace(b"\r\n", b"\n"), "not_websocket"),
        (b"GET / HTTP/1.1\r\nCookie: " + b"a" * 20_000, "request_too_large"),
        (UPGRADE.replace(b"Origin: https://", b"Origin: https://x."), "not_permitted"),
        (UPGRADE.replace(b"https://example.uz", b"null"), "not_permitted"),
        (UPGRADE.replace(b"https://", b"http://"), "not_permitted"),
    ],
    ids=["TLS", "POST", "no Host", "bare LF", "too long", "other origin", "null origin", "http"],
)
def test_what_no_destination_gets_to_see(
    request_: bytes,
    alert: str,
    gateway: Gateway,
    credentials: Credentials,
    destination: socket.socket,
) -> None:
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        peer.open()
        with accept(destination) as connection:
            peer.send(request_)
            assert peer.alert() == alert
            assert everything(connection) == b""
    assert gateway.logged("tunnel_refused")["reason"] == alert


def test_the_end_before_a_request(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        peer.open()
        peer.send(UPGRADE[:50])
        peer.send_close()
        with accept(destination) as connection:
            assert everything(connection) == b""
        assert gateway.logged("tunnel_refused")["reason"] == "not_websocket"


@pytest.mark.parametrize("answer", [REFUSAL, REFUSAL.replace(b"404", b"403")])
def test_nothing_is_smuggled_past_a_refusal(
    answer: bytes, gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    smuggled = b"GET /admin HTTP/1.1\r\nHost: a\r\nX-EIMZO-PINFL: 9\r\n\r\n"
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        peer.open()
        peer.send(UPGRADE + smuggled)
        with accept(destination) as connection:
            head = receive_head(connection)
            peer.send(smuggled * 1000)
            connection.sendall(answer[:11])
            peer.send(smuggled)
            connection.sendall(answer[11:])
            assert peer.data(len(answer)) == answer
            connection.shutdown(socket.SHUT_WR)
            assert head + everything(connection) == head
            assert isinstance(peer.event(), CloseReceived)
    assert head.endswith(b"\r\n\r\n")
    assert head.count(b"\r\n\r\n") == 1
    assert smuggled not in head
    line = gateway.logged("tunnel_refused", reason="upgrade_refused")
    assert line["level"] == "warning"


def test_the_page_sees_the_destinations_own_refusal(
    gateway: Gateway, start_agent: StartAgent, destination: socket.socket
) -> None:
    agent = start_agent(dst_id="raw")
    client = HTTPConnection(*agent.address(), timeout=TIME_LIMIT)
    client.putrequest("GET", "/", skip_host=True, skip_accept_encoding=True)
    for line in UPGRADE.decode().split("\r\n")[1:-2]:
        client.putheader(*line.split(": "))
    client.endheaders()
    with accept(destination) as connection:
        receive_head(connection)
        connection.sendall(REFUSAL)
        answer = client.getresponse()
        assert answer.status == 404
        assert answer.read() == b"yo'q!"
    client.close()
    assert agent.exit_code() == 0
    assert gateway.logged("tunnel_refused")["reason"] == "upgrade_refused"


@pytest.mark.parametrize("refused", [False, True])
def test_a_destination_that_breaks_off(
    refused: bool, gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    reset = b"\1\0\0\0\0\0\0\0"
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        peer.open()
        peer.upgrade()
        with accept(destination) as connection:
            receive_head(connection)
            if refused:
                connection.sendall(REFUSAL)
                assert peer.data(len(REFUSAL)) == REFUSAL
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        assert peer.alert() == "destination_unreachable"  # a cut is never sealed by a close
    reason = "upgrade_refused" if refused else "destination_unreachable"
    assert gateway.logged("tunnel_refused")["reason"] == reason


def test_a_destination_that_hangs_up_without_an_answer(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        peer.open()
        peer.upgrade()
        with accept(destination) as connection:
            receive_head(connection)
            connection.sendall(b"HTTP/1.1 1")
        assert peer.alert() == "destination_unreachable"
    detail = gateway.logged("tunnel_refused")["detail"]
    assert detail == "the destination closed without an answer to the upgrade request"


def test_a_destination_that_does_not_wait_for_the_page(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    """The page may take a minute; servers drop a silent connection sooner."""
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        peer.open()
        with accept(destination) as impatient:
            impatient.sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
            impatient.shutdown(socket.SHUT_WR)
            peer.send(UPGRADE[:10])
            peer.send(UPGRADE[10:])
            with accept(destination) as connection:
                receive_head(connection)
                connection.sendall(SWITCHED)
                assert peer.data(len(SWITCHED)) == SWITCHED
                connection.shutdown(socket.SHUT_WR)
                peer.send_close()
                assert everything(connection) == b""
    assert gateway.logged("tunnel_closed")["reason"] == "completed"


def test_the_head_that_the_destination_gets(
    gateway: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    forged = UPGRADE.replace(
        b"Origin", b"X-EIMZO-INN: 1\r\nX_Eimzo_Cn: soxta\r\nForwarded: for=1\r\nOrigin"
    )
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        tunnel_id = peer.open()
        for byte in forged[:100]:
            peer.send(bytes((byte,)))
        peer.send(forged[100:] + b"early frames")
        with accept(destination) as connection:
            head = receive_head(connection)
            connection.sendall(SWITCHED)
            assert connection.recv(100) == b"early frames"
    leaf = credentials.citizen.identity.leaf
    line, *fields = head.decode().split("\r\n")[:-2]
    headers = [field.split(": ", 1) for field in fields]
    assert line == "GET /chat HTTP/1.1"
    assert [name for name, _ in headers].count("X-EIMZO-CN") == 1
    values = {name: unquote(value) for name, value in headers}
    assert values["X-EIMZO-CN"] == "G‘ANIYEV O‘KTAM"
    assert values["X-EIMZO-Subject"] == leaf.subject
    assert values["X-EIMZO-Serial"] == f"{leaf.serial:x}"
    assert values["X-EIMZO-Tunnel-Id"] == tunnel_id.hex()
    assert "X-EIMZO-INN" not in values
    assert not {"X_Eimzo_Cn", "Forwarded"} & values.keys()
