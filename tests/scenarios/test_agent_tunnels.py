"""Tunnels that pages ask the agent for: one page, one connection, and a proper end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.utils import accept_key

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED, accept, receive_head
from tests.support.log_lines import Record
from tests.support.page import PAGE, AgentService, Page
from tests.support.processes import TIME_LIMIT, Gateway, command, open_sockets, wait_until

Start = Callable[..., AgentService]
StartGateway = Callable[..., Gateway]

IMPATIENT = command(
    "import tunnel_gateway.agent.pages.page_tunnel as tunnel",
    "tunnel.PageTunnel.__init__.__kwdefaults__['time_limit'] = 0.3",
    "import tunnel_gateway.agent.pages.tunnels as tunnels",
    "tunnels.Tunnels.__init__.__kwdefaults__['time_limit'] = 0.3",
)


def place(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    assert host == "127.0.0.1"
    return host, int(port)


def echo(socket_: ClientConnection, text: str = "salom") -> None:
    socket_.send(text)
    assert socket_.recv(TIME_LIMIT) == text


def end_of(page: ClientConnection) -> tuple[int, str]:
    """The close frame that the page gets."""
    with pytest.raises(ConnectionClosed) as caught:
        page.recv(TIME_LIMIT)
    received = caught.value.rcvd
    assert received is not None, "the connection ended without a close frame"
    return received.code, received.reason


def test_a_page_talks_through_its_tunnel(gateway: Gateway, start_service: Start) -> None:
    service = start_service()
    page = service.opened()
    key_id = page.load_key()
    answer = page.tunnel(key_id)
    assert answer["success"] is True, answer
    with page.enter(answer["address"]) as one:
        echo(one)
        one.send(bytes(300_000))
        assert one.recv(TIME_LIMIT) == bytes(300_000)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place(answer["address"]))
    line = gateway.logged("tunnel_closed", tunnel_id=answer["tunnel_id"])
    assert (line["domain"], line["reason"]) == ("example.uz", "completed")
    service.logged("tunnel_made", origin=PAGE, tunnel_id=answer["tunnel_id"])
    service.logged("tunnel_closed", tunnel_id=answer["tunnel_id"], reason="completed")


def test_a_number_is_a_destination_too(gateway: Gateway, start_service: Start) -> None:
    page = start_service().opened()
    key_id = page.load_key()
    answer = page.call("create_tunnel", 7, key_id, plugin="tunnel")
    assert answer["code"] == "unknown_destination"
    assert answer["reason"].startswith("the gateway refused: ")
    gateway.logged("tunnel_refused", reason="unknown_destination", dst_id="7")


def test_another_page_gets_nothing_and_takes_nothing(start_service: Start) -> None:
    service = start_service()
    page = service.opened()
    address = page.tunnel(page.load_key())["address"]
    for origin in ("https://yomon.uz", "http://example.uz", "https://example.uz:444", "null", None):
        with pytest.raises(InvalidStatus) as caught:
            Page(0, origin).enter(address).__enter__()
        assert caught.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as caught:
        page.enter(address, additional_headers={"Host": "yomon.uz"}).close()
    with page.enter(address) as one:
        echo(one)


def test_what_the_gateway_and_the_settings_refuse(
    start_service: Start, credentials: Credentials, gateway: Gateway
) -> None:
    service = start_service()
    page = service.opened()
    key_id = page.load_key()
    for dst_id, code in (("yoq", "unknown_destination"), ("", "bad_destination")):
        assert page.tunnel(key_id, dst_id)["code"] == code
    assert page.tunnel(key_id, "‘" * 86)["code"] == "bad_destination"
    assert page.tunnel("0" * 32)["code"] == "key_not_found"
    assert page.tunnel(key_id, "closed")["code"] == "destination_unreachable"
    local = service.opened("http://localhost", "localhost")
    refused = local.tunnel(key_id)
    assert refused["code"] == "no_gateway"
    assert "agent.tunnel.localhost=HOST:PORT" in refused["reason"]
    assert "-tunnel.6c6f63616c686f7374=" in refused["reason"]


def test_no_gateway_there(start_service: Start, closed_port: object) -> None:
    service = start_service(port=getattr(closed_port, "number", 0))
    page = service.opened()
    assert page.tunnel(page.load_key())["code"] == "gateway_unreachable"


def test_an_address_expires(gateway: Gateway, start_service: Start) -> None:
    service = start_service(program=IMPATIENT)
    page = service.opened()
    answer = page.tunnel(page.load_key())
    service.logged("tunnel_closed", tunnel_id=answer["tunnel_id"], reason="timed_out")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place(answer["address"]))
    gateway.logged("tunnel_refused", reason="alert_received")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_gateway_ends(
    start_gateway: StartGateway, start_service: Start, number: signal.Signals
) -> None:
    gateway = start_gateway(drain_timeout=0)
    page = start_service(gateway.port).opened()
    with page.enter(page.tunnel(page.load_key())["address"]) as one:
        echo(one)
        gateway.signal(number)
        code, reason = end_of(one)
        gateway.exit_code()
    if number == signal.SIGKILL:
        assert code == 1011
        assert reason.startswith("gateway_lost: ")
    else:
        assert code == 1001
        assert reason.startswith("shutting_down: ")


def test_the_application_ends(start_service: Start, destination: socket.socket) -> None:
    page = start_service().opened()
    address = page.tunnel(page.load_key(), "raw")["address"]
    application = accept(destination)
    with ThreadPoolExecutor(1) as other:
        entering = other.submit(lambda: page.enter(address, compression=None))
        head = receive_head(application).decode()
        key = head.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        application.sendall(
            SWITCHED[:-2]
            + f"Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode()
            + b"\x81\x05salom"
        )
        with entering.result(TIME_LIMIT) as one:
            assert one.recv(TIME_LIMIT) == "salom"
            application.close()
            code, reason = end_of(one)
    assert code == 1011
    assert reason.startswith("destination_")


def test_the_agent_ends(gateway: Gateway, start_service: Start) -> None:
    service = start_service()
    page = service.opened()
    key_id = page.load_key()
    waiting = page.tunnel(key_id)["address"]
    with page.enter(page.tunnel(key_id)["address"]) as one:
        echo(one)
        assert service.stop() == 0
        assert end_of(one) == (1001, "shutting_down: the agent is stopping")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place(waiting))


def test_two_hundred_one_after_another(gateway: Gateway, start_service: Start) -> None:
    service = start_service()
    page = service.opened()
    key_id = page.load_key()

    idle = open_sockets(service.process.pid)

    def one() -> None:
        with page.enter(page.tunnel(key_id)["address"]) as entered:
            echo(entered)

    for _ in range(20):
        one()
    wait_until(lambda: open_sockets(service.process.pid) <= idle, "the sockets closed")
    memory = service.memory()
    for _ in range(200):
        one()
    wait_until(lambda: open_sockets(service.process.pid) <= idle, "the sockets closed")
    assert service.memory() - memory < 8 * 2**20

    def closed_tunnels() -> list[Record]:
        lines = [line for line in service.records() if line["event"] == "tunnel_closed"]
        return lines if len(lines) == 220 else []

    closed = wait_until(closed_tunnels, "a line for each")
    assert {line["reason"] for line in closed} <= {"completed", "page_lost"}


def test_fifty_at_once(gateway: Gateway, start_service: Start) -> None:
    service = start_service()
    page = service.opened()
    key_id = page.load_key()
    idle = open_sockets(service.process.pid)
    # A page may have sixteen sockets at once; the tunnels are not among them.
    with ThreadPoolExecutor(12) as calls, ExitStack() as stack:
        addresses = [one["address"] for one in calls.map(page.tunnel, [key_id] * 50)]
        assert len(set(addresses)) == 50
        entered = [stack.enter_context(one) for one in calls.map(page.enter, addresses)]
        list(calls.map(echo, entered, map(str, range(50))))
    wait_until(lambda: open_sockets(service.process.pid) <= idle, "the sockets closed")
    for one in addresses:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place(one))
