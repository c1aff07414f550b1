"""Whatever comes to the port ends in a bounded time, with one log line and no traceback."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable

import pytest

from tests.support.processes import TIME_LIMIT, Gateway, wait_until

StartGateway = Callable[..., Gateway]


def tls_hello() -> bytes:
    context = ssl.create_default_context()
    outgoing = ssl.MemoryBIO()
    session = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="example.uz")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


STRANGERS: dict[str, tuple[bytes, str, str]] = {
    "garbage": (b"\xff\x00\x13garbage" * 100, "protocol_error", "unknown type 255"),
    "a long run of zeros": (bytes(1 << 20), "protocol_error", "unknown type 0"),
    "a TLS hello": (tls_hello(), "protocol_error", "speaks TLS"),
    "an HTTP request": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "protocol_error", "HTTP"),
    "a hello of another protocol": (b"\x01\x00\x04ABCD", "protocol_error", "not a hello"),
    "a hello over the limit": (b"\x01\xff\xff", "protocol_error", "HELLO record of 65535 bytes"),
    "data before a hello": (b"\x02\x00\x01A", "protocol_error", "before there are keys"),
    "an alert": (b"\x03\x00\x04\x0d\x02\x1b[", "alert_received", "not_permitted (this user"),
}


def connect(gateway: Gateway) -> socket.socket:
    return socket.create_connection(gateway.address, timeout=TIME_LIMIT)


def everything(connection: socket.socket) -> bytes:
    found = b""
    try:
        while data := connection.recv(65536):
            found += data
    except ConnectionResetError:
        pass
    return found


@pytest.mark.parametrize("case", STRANGERS.values(), ids=STRANGERS)
def test_what_is_no_tunnel(case: tuple[bytes, str, str], gateway: Gateway) -> None:
    sent, reason, detail = case
    with connect(gateway) as stranger:
        name = ":".join(map(str, stranger.getsockname()))
        stranger.sendall(sent)
        answer = everything(stranger)
    # At most an alert in clear comes back.
    assert len(answer) < 100
    assert answer[:1] in (b"", b"\x03")
    line = gateway.logged("tunnel_refused", client=name)
    assert line["reason"] == reason
    assert detail in line["detail"]
    assert len(gateway.records()) == 1


@pytest.mark.parametrize("sent", [b"", b"\x01", b"\x01\x00\x80EIMZ"])
def test_silence_after(sent: bytes, start_gateway: StartGateway) -> None:
    gateway = start_gateway(handshake_timeout=0.5)
    strangers = [connect(gateway) for _ in range(40)]
    for stranger in strangers:
        stranger.sendall(sent)
    for stranger in strangers:
        with stranger:
            assert everything(stranger)[3:4] == b"\x10"  # timed_out, in clear
    wait_until(lambda: len(gateway.records()) == 41, "a line for each")
    assert gateway.records()[0]["event"] == "listening"
    for line in gateway.records()[1:]:
        assert (line["event"], line["reason"]) == ("tunnel_refused", "timed_out")
        assert 0.4 < line["seconds"] < 5


def test_a_drip_does_not_move_the_deadline(start_gateway: StartGateway) -> None:
    gateway = start_gateway(handshake_timeout=1)
    with connect(gateway) as stranger:
        stranger.settimeout(0.05)
        sent = 0
        for byte in b"\x01\x04\x00" + bytes(1000):
            try:
                stranger.send(bytes((byte,)))
                sent += 1
                if not stranger.recv(100) or sent > 500:
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    assert sent < 100
    assert gateway.logged("tunnel_refused")["reason"] in ("timed_out", "protocol_error")


@pytest.mark.parametrize("reset", [False, True])
def test_a_probe_of_a_balancer_is_no_news(reset: bool, gateway: Gateway) -> None:
    with connect(gateway) as probe:
        if reset:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with connect(gateway) as marker:
        marker.sendall(b"garbage")
        gateway.logged("tunnel_refused", reason="protocol_error")
    assert len(gateway.records()) == 1


def test_a_reset_in_the_handshake(gateway: Gateway) -> None:
    with connect(gateway) as stranger:
        stranger.sendall(b"\x01")
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert gateway.logged("tunnel_refused")["reason"] == "peer_lost"


def test_a_truncated_handshake(gateway: Gateway) -> None:
    with connect(gateway) as stranger:
        stranger.sendall(b"\x01")
        stranger.shutdown(socket.SHUT_WR)
        everything(stranger)
    assert gateway.logged("tunnel_refused")["reason"] == "truncated"
