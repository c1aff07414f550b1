"""The PROXY protocol on both sides of a real gateway: from balancers, and to destinations."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED, accept, everything, receive_head
from tests.support.peer import Peer
from tests.support.processes import LOOPBACK, Gateway
from tunnel_gateway.transport.wire.proxy_protocol import Header, HeaderReader, Tlv

StartGateway = Callable[..., Gateway]

IPV4 = Header(("198.51.100.7", 40000), ("203.0.113.1", 8843))
IPV6 = Header(("2001:db8::7", 40000), ("2001:db8::1", 8843), ((Tlv.UNIQUE_ID, b"of a balancer"),))
HEADERS = {
    "v1, IPv4": (IPV4.serialize_v1(), "198.51.100.7:40000"),
    "v1, IPv6": (IPV6.serialize_v1(), "[2001:db8::7]:40000"),
    "v2, IPv4": (IPV4.serialize_v2(), "198.51.100.7:40000"),
    "v2, IPv6": (IPV6.serialize_v2(), "[2001:db8::7]:40000"),
    "v1, unknown": (b"PROXY UNKNOWN\r\n", None),
    "v2, local": (Header().serialize_v2(), None),
}


@pytest.fixture(scope="module")
def shared(
    credentials: Credentials, destinations: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    settings = {"proxy.from": f"10.0.0.0/8, {LOOPBACK}", "source.rate": 0}
    running = Gateway(credentials, tmp_path_factory.mktemp("behind"), destinations, settings)
    yield running
    assert running.stop() == 0


@pytest.fixture
def behind(shared: Gateway) -> Iterator[Gateway]:
    """A gateway whose balancer is this machine; its log begins with the test."""
    shared.forget()
    yield shared
    shared.check_clean()


@contextmanager
def passed_on(gateway: Gateway, credentials: Credentials, header: bytes) -> Iterator[Peer]:
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        peer.socket.sendall(header)
        yield peer


def forwarded_for(head: bytes) -> bytes:
    (line,) = (line for line in head.split(b"\r\n") if line.startswith(b"X-Forwarded-For: "))
    return line.partition(b": ")[2]


def serve(peer: Peer, destination: socket.socket) -> bytes:
    """Take a tunnel through to its end; return what the destination got."""
    peer.open()
    peer.upgrade()
    with accept(destination) as other:
        got = receive_head(other)
        other.sendall(SWITCHED)
        assert peer.data(len(SWITCHED)) == SWITCHED
        peer.send_close()
        assert everything(other) == b""
    return got


@pytest.mark.parametrize(("header", "client"), HEADERS.values(), ids=HEADERS)
def test_a_balancer_says_who_comes(
    header: bytes,
    client: str | None,
    behind: Gateway,
    credentials: Credentials,
    destination: socket.socket,
) -> None:
    with passed_on(behind, credentials, header) as peer:
        head = serve(peer, destination)
        client = client or peer.name
    assert behind.logged("tunnel_closed")["client"] == client
    assert forwarded_for(head).decode() == client.rpartition(":")[0].strip("[]")


def test_a_header_in_one_piece_with_the_hello(
    behind: Gateway, credentials: Credentials, destination: socket.socket
) -> None:
    with Peer.of(behind, credentials, dst_id="raw") as peer:
        peer.socket.sendall(IPV4.serialize_v2() + peer.connection.data_to_send())
        serve(peer, destination)
    assert behind.logged("tunnel_closed")["client"] == "198.51.100.7:40000"


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (b"\x01\x00\x80EIMZ", "no PROXY protocol header; every connection from an address of "),
        (b"PROXY UNKNOWN".ljust(200), "a PROXY line of more than 107 bytes; every "),
        (IPV4.serialize_v2()[:-1] + b"\0" * 2, "a PROXY header whose checksum is wrong; every "),
        (IPV4.serialize_v2()[:14] + b"\xff\xff", "a PROXY header of 65535 bytes, more than 4096;"),
        (IPV4.serialize_v1() * 2, "a PROXY protocol header, and none is expected from its address"),
    ],
)
def test_a_balancer_that_is_not_understood(sent: bytes, detail: str, behind: Gateway) -> None:
    with socket.create_connection(behind.address) as balancer:
        balancer.sendall(sent)
        assert everything(balancer)[3:4] == b"\x01"  # protocol_error
    line = behind.logged("tunnel_refused")
    assert line["reason"] == "protocol_error"
    assert line["detail"].startswith(detail)


@pytest.mark.parametrize("sent", [b"", b"PROXY", IPV4.serialize_v2()[:20], IPV4.serialize_v2()])
def test_a_slow_balancer(sent: bytes, start_gateway: StartGateway) -> None:
    gateway = start_gateway(handshake_timeout=0.5, proxy_from=LOOPBACK, limit=1)
    with socket.create_connection(gateway.address) as balancer:
        balancer.sendall(sent)
        with socket.create_connection(gateway.address) as second:
            assert everything(second)[3:4] == b"\x0f"  # its place is taken from the first byte on
        assert everything(balancer)[3:4] == b"\x10"
    line = gateway.logged("tunnel_refused", reason="timed_out")
    assert 0.4 < line["seconds"] < 5


def test_limits_are_the_users_and_not_the_balancers(
    start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
) -> None:
    gateway = start_gateway(proxy_from=LOOPBACK, source_limit=1)
    with (
        passed_on(gateway, credentials, IPV4.serialize_v2()) as first,
        passed_on(gateway, credentials, IPV6.serialize_v2()) as second,
        passed_on(gateway, credentials, IPV4.serialize_v1()) as third,
    ):
        first.open()
        second.open()
        assert third.alert() == "too_many_tunnels"
    line = gateway.logged("tunnel_refused", reason="too_many_tunnels")
    assert line["client"] == "198.51.100.7:40000"


@pytest.mark.parametrize("header", [IPV4.serialize_v1(), IPV4.serialize_v2(), b"PROXY "])
@pytest.mark.parametrize("settings", [{}, {"proxy_from": "127.0.0.2"}])
def test_who_is_no_balancer_says_nothing_of_others(
    header: bytes, settings: dict[str, str], start_gateway: StartGateway
) -> None:
    gateway = start_gateway(**settings)
    with socket.create_connection(gateway.address) as stranger:
        name = ":".join(map(str, stranger.getsockname()))
        stranger.sendall(header)
        assert everything(stranger)[3:4] == b"\x01"  # protocol_error
    line = gateway.logged("tunnel_refused")
    assert (line["client"], line["reason"]) == (name, "protocol_error")
    assert line["detail"].endswith("add it to tunnel.proxy.from if it is your balancer")


@pytest.mark.parametrize("header", [b"", b"PROXY UNKNOWN\r\n", Header().serialize_v2()])
@pytest.mark.parametrize("reset", [False, True])
def test_a_health_check_is_no_news(reset: bool, header: bytes, behind: Gateway) -> None:
    with socket.create_connection(behind.address) as check:
        check.sendall(header)
        if reset:
            check.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with socket.create_connection(behind.address) as marker:
        marker.sendall(b"garbage")
        behind.logged("tunnel_refused", reason="protocol_error")
    assert [one["event"] for one in behind.records()] == ["tunnel_refused"]


def test_a_listener_for_both_families(
    start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
) -> None:
    gateway = start_gateway(listen_ip="::", proxy_from=f"{LOOPBACK}/32")
    with passed_on(gateway, credentials, IPV6.serialize_v2()) as peer:
        serve(peer, destination)
    assert gateway.logged("tunnel_closed")["client"] == "[2001:db8::7]:40000"
    peer = Peer(("::1", gateway.port), credentials.settings(dst_id="raw"), "::1")
    with peer.socket:
        assert forwarded_for(serve(peer, destination)) == b"::1"


# --- to destinations -----------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("settings", [{}, {"proxy_from": LOOPBACK}], ids=["direct", "behind"])
def test_a_destination_that_asks_for_a_header(
    version: str,
    settings: dict[str, str],
    start_gateway: StartGateway,
    credentials: Credentials,
    destination: socket.socket,
) -> None:
    gateway = start_gateway(destination_raw_proxy=version, **settings)
    with Peer.of(gateway, credentials, dst_id="raw") as peer:
        if settings:
            peer.socket.sendall(IPV4.serialize_v1())
        ends = (peer.socket.getsockname(), peer.socket.getpeername())
        tunnel_id = peer.open().hex()
        with accept(destination) as other:
            reader = HeaderReader()
            while (header := reader.receive_data(other.recv(65536))) is None:
                pass
            assert reader.rest == b""  # it comes before there is a request
            peer.upgrade()
            receive_head(other)
            other.sendall(SWITCHED)
            assert peer.data(len(SWITCHED)) == SWITCHED
    if settings:
        ends = (IPV4.source, IPV4.destination)
    tlvs = ((Tlv.AUTHORITY, b"example.uz"), (Tlv.UNIQUE_ID, tunnel_id.encode()))
    assert header == Header(*ends, tlvs if version == "v2" else ())
