"""What operators ask a real gateway: its health, its state, its metrics, and to close a tunnel."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect

from tests.support.admin import Operator
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.destination import join
from tests.support.peer import Peer
from tests.support.processes import (
    COMMAND,
    LOOPBACK,
    TIME_LIMIT,
    Agent,
    Gateway,
    Program,
    ReservedPort,
    wait_until,
)
from tunnel_gateway.daemon.admin.admin_server import MAX_CONNECTIONS

StartGateway = Callable[..., Gateway]
Started = tuple[Gateway, Operator]


@pytest.fixture
def start(start_gateway: StartGateway, tmp_path: Path) -> Callable[..., Started]:
    """Start a gateway that answers at a Unix socket; ``tcp`` is a second address."""

    def started(tcp: int | None = None, **settings: Any) -> Started:
        path = tmp_path / "admin.sock"
        listen = f"unix:{path}" if tcp is None else f"unix:{path},{LOOPBACK}:{tcp}"
        return start_gateway(admin_listen=listen, **settings), Operator(path)

    return started


@pytest.fixture
def free_port() -> int:
    """A port that was free a moment ago."""
    reserved = ReservedPort()
    reserved.close()
    return reserved.number


def shown(operator: Operator) -> dict[str, Any]:
    found = operator.ask("/status.json")
    assert found.status == 200
    state: dict[str, Any] = found.json
    return state


def test_who_has_a_tunnel(
    start: Callable[..., Started], credentials: Credentials, destination: socket.socket
) -> None:
    gateway, operator = start(preloaded=False)
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        peer.send(b"a" * 5000)
        received = 0
        while received < 5000:
            received += len(other.recv(65536))
        state = shown(operator)
        (tunnel,) = state["connections_shown"]
        assert tunnel["tunnel_id"] == peer.tunnel_id
        assert (tunnel["stage"], tunnel["client"]) == ("open", peer.name)
        assert (tunnel["domain"], tunnel["dst_id"]) == (FIRST_DOMAIN, "raw")
        assert tunnel["user"] == "G… O…"
        assert tunnel["serial"] == credentials.citizen.identity.leaf.serial_hex
        assert tunnel["bytes_up"] == 5000
        assert tunnel["seconds"] > 0
        assert tunnel["rate_up"] is not None
        assert "10000000000001" not in operator.ask("/status.json").text
        assert state["connections"] == {"open": 1}
        assert {"limit": "tunnel.limit", "used": 1, "most": 10000} in state["limits"]
        assert {one["domain"]: one["days_left"] > 300 for one in state["domains"]} == {
            FIRST_DOMAIN: True,
            "boshqa.uz": True,
        }
        page = operator.ask("/status")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert tunnel["tunnel_id"] in page.text
        assert "<script" not in page.text
        assert operator.ask("/status.css").status == 200
    wait_until(lambda: shown(operator)["connections_total"] == 0, "the tunnel's end")


def test_a_tunnel_is_closed(
    start: Callable[..., Started], start_agent: Callable[..., Agent], api: object
) -> None:
    gateway, operator = start()
    agent = start_agent(port=gateway.port)
    host, port = agent.address()
    with connect(f"ws://{host}:{port}/", proxy=None) as page:
        page.send("salom")
        assert page.recv(TIME_LIMIT) == "salom"
        assert operator.close(agent.tunnel_id).json == {"closed": agent.tunnel_id}
        with pytest.raises(ConnectionClosedOK) as caught:
            page.recv(TIME_LIMIT)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001
    assert caught.value.rcvd.reason.startswith("closed_by_operator: ")
    assert "the other side ended the tunnel: closed_by_operator (an operator of" in agent.failure()
    assert gateway.logged("tunnel_close_asked", tunnel_id=agent.tunnel_id)["uid"] == os.getuid()
    assert gateway.logged("tunnel_closed")["reason"] == "closed_by_operator"
    labels = {"reason": "closed_by_operator", "protocol": "own"}
    assert operator.metric("tunnel_gateway_tunnels_closed_total", **labels) == 1
    assert operator.close(agent.tunnel_id).status == 404


def test_the_alert_of_a_closed_tunnel(
    start: Callable[..., Started], credentials: Credentials, destination: socket.socket
) -> None:
    gateway, operator = start()
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        assert operator.close(peer.tunnel_id).status == 200
        assert peer.alert() == "closed_by_operator"
        assert other.recv(100) == b""


def test_not_ready_while_draining(
    start: Callable[..., Started], credentials: Credentials, destination: socket.socket
) -> None:
    gateway, operator = start()
    wait_until(lambda: operator.ask("/readyz").status == 200, "ready")
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination):
        gateway.signal(signal.SIGTERM)
        gateway.logged("stop_step", step=4)
        answer = operator.ask("/readyz")
        assert (answer.status, answer.text) == (503, "stopping\n")
        assert operator.ask("/healthz").status == 200
        steps = shown(operator)["stop"]
        assert [one["step"] for one in steps] == [1, 2, 3, 4]
        assert steps[3]["text"] == "waiting up to 30 s for 1 open tunnels"
        assert "waiting up to 30 s" in operator.ask("/status").text
        assert operator.metric("tunnel_gateway_draining") == 1
        assert operator.metric("tunnel_gateway_ready") == 0
        gateway.signal(signal.SIGTERM)
        assert peer.alert() == "shutting_down"
    assert gateway.exit_code() == 0


def test_not_ready_without_a_destination(
    credentials: Credentials, closed_port: ReservedPort, tmp_path: Path
) -> None:
    listen = {"admin.listen": f"unix:{tmp_path}/admin.sock"}
    gateway = Gateway(credentials, tmp_path, {"closed": closed_port.number}, listen)
    operator = Operator(tmp_path / "admin.sock")

    def complaint() -> str:
        answer = operator.ask("/readyz")
        return answer.text if answer.status == 503 and "refused" in answer.text else ""

    text = wait_until(complaint, "not ready")
    assert f"{FIRST_DOMAIN}: no destination answers: destination closed" in text
    assert operator.metric("tunnel_gateway_destination_up", dst_id="closed") == 0
    assert operator.ask("/healthz").text == "ok\n"
    with closed_port.listen():
        wait_until(lambda: operator.ask("/readyz").status == 200, "ready again")
    assert gateway.stop() == 0


def test_a_refused_reload_shows(start: Callable[..., Started]) -> None:
    gateway, operator = start()
    good = gateway.config.read_text()
    gateway.config.write_text(good + "tunnel.limit=nonsense\n")
    gateway.signal(signal.SIGHUP)
    gateway.logged("reload_refused")
    wait_until(lambda: operator.metric("tunnel_gateway_last_reload_ok") == 0, "it shows")
    assert operator.ask("/healthz").text.splitlines() == [
        "ok",
        "warning: the last reload was refused; the log says why",
    ]
    gateway.config.write_text(good)
    gateway.signal(signal.SIGHUP)
    gateway.logged("reloaded")
    wait_until(lambda: operator.metric("tunnel_gateway_last_reload_ok") == 1, "it is mended")
    assert operator.metric("tunnel_gateway_reloads_total", result="ok") == 1
    assert operator.metric("tunnel_gateway_reloads_total", result="refused") == 1


def test_the_socket_is_for_the_group(start: Callable[..., Started], tmp_path: Path) -> None:
    gateway, _ = start()
    mode = (tmp_path / "admin.sock").stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660
    assert gateway.stop() == 0
    assert not (tmp_path / "admin.sock").exists()


def test_a_killed_gateway_leaves_no_obstacle(start: Callable[..., Started]) -> None:
    gateway, operator = start()
    gateway.signal(signal.SIGKILL)
    gateway.exit_code()
    _, operator = start()
    assert operator.ask("/healthz").status == 200


def test_a_second_gateway_at_the_same_path(
    start: Callable[..., Started],
    credentials: Credentials,
    destinations: dict[str, int],
    tmp_path: Path,
) -> None:
    first, operator = start()
    listen = first.config.read_text().replace(f"port={first.port}", "port=1")
    (tmp_path / "second.properties").write_text(listen)
    second = Program("second", *COMMAND, "serve", "--config", str(tmp_path / "second.properties"))
    assert second.exit_code() == 1
    assert "another gateway answers at" in second.errors[-1]
    assert operator.ask("/healthz").status == 200


# --- on a port, where pages of strangers can send a browser ------------------------------------


def test_a_port_answers_who_asks_for_it(start: Callable[..., Started], free_port: int) -> None:
    start(tcp=free_port)
    operator = Operator(free_port)
    for host in (f"127.0.0.1:{free_port}", f"localhost:{free_port}", "127.0.0.1", "[::1]:1"):
        assert operator.ask("/status", Host=host).status == 200
    assert "tunnel_gateway_build_info" in operator.ask("/metrics").text


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:9843", "127.0.0.1.evil.example", "", "127.0.0.1:x", "[::1"],
)
def test_a_name_that_points_here_gets_nothing(
    host: str, start: Callable[..., Started], free_port: int
) -> None:
    start(tcp=free_port)
    answer = Operator(free_port).ask("/status.json", Host=host)
    assert answer.status in (400, 403)
    assert "version" not in answer.text


@pytest.mark.parametrize(
    ("request_line", "more", "status"),
    [
        ("GET /readyz HTTP/1.0", "", b"200"),  # HAProxy's option httpchk
        ("GET /readyz HTTP/1.0", "Host: evil.example\r\n", b"403"),
        ("GET /readyz HTTP/1.0", "Origin: http://evil.example\r\n", b"403"),
        ("GET /readyz HTTP/1.1", "Connection: close\r\n", b"400"),
        ("POST /tunnels/00000000000000000000000000000000/close HTTP/1.0", "", b"403"),
    ],
)
def test_who_sends_no_host(
    request_line: str, more: str, status: bytes, start: Callable[..., Started], free_port: int
) -> None:
    start(tcp=free_port)
    wait_until(lambda: Operator(free_port).ask("/readyz").status == 200, "a gateway that is ready")
    with socket.create_connection((LOOPBACK, free_port), TIME_LIMIT) as asking:
        asking.sendall(f"{request_line}\r\n{more}\r\n".encode())
        assert asking.recv(100).split()[1] == status


def test_a_page_gets_nothing(start: Callable[..., Started], free_port: int) -> None:
    _, operator = start(tcp=free_port)
    for one in (operator, Operator(free_port)):
        answer = one.ask("/status.json", Origin="https://evil.example")
        assert (answer.status, answer.text) == (403, "pages may not ask here\n")
        assert "Access-Control-Allow-Origin" not in answer.headers
        answer = one.ask("/status")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"


def test_nothing_is_changed_by_a_port(
    start: Callable[..., Started],
    free_port: int,
    credentials: Credentials,
    destination: socket.socket,
) -> None:
    gateway, operator = start(tcp=free_port)
    with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
        path = f"/tunnels/{peer.tunnel_id}/close"
        answer = Operator(free_port).close(peer.tunnel_id)
        assert (answer.status, "use the Unix socket" in answer.text) == (403, True)
        assert operator.ask(path, "POST").status == 403  # without the header
        assert operator.ask(path, "GET").status == 405
        assert operator.ask(path, "OPTIONS").status == 403
        peer.send(b"hali ham")
        assert other.recv(100) == b"hali ham"


def test_what_is_not_there(start: Callable[..., Started]) -> None:
    _, operator = start()
    assert operator.ask("/nothing").status == 404
    assert operator.close("../../etc/passwd").status == 404
    assert operator.close("0" * 32).status == 404


def test_labels_are_those_of_the_configuration(
    start: Callable[..., Started], credentials: Credentials
) -> None:
    gateway, operator = start()

    def series() -> set[Any]:
        # A line that is zero may appear with the first tunnel of a destination; labels count.
        return {
            (name, key, value)
            for name, labels in operator.metrics()
            for key, value in labels
            if key in ("domain", "dst_id", "reason", "limit", "stage")
            and name != "tunnel_gateway_destination_up"  # appears with the first probe
        }

    before = series()
    for number in range(30):
        with Peer.of(gateway, credentials, domain=f"d{number}.uz") as peer:
            assert peer.alert() == "unknown_domain"
        with Peer.of(gateway, credentials, dst_id=f"x{number}") as peer:
            assert peer.alert() == "unknown_destination"
    for reason in ("unknown_domain", "unknown_destination"):
        labels = {"reason": reason, "protocol": "own"}
        assert operator.metric("tunnel_gateway_refusals_total", **labels) == 30
    assert series() == before
    text = operator.ask("/metrics").text
    assert not re.search(r"d\d+\.uz|x\d+\"", text)


def test_a_silent_crowd_does_not_keep_operators_out(
    start: Callable[..., Started], free_port: int
) -> None:
    start(tcp=free_port)
    crowd = [socket.create_connection((LOOPBACK, free_port)) for _ in range(100)]
    assert Operator(free_port).ask("/healthz").status == 200
    for one in crowd:
        one.close()


def test_who_asks_nothing_holds_no_sockets(start: Callable[..., Started], free_port: int) -> None:
    gateway, operator = start(tcp=free_port)
    with ExitStack() as stack:
        for _ in range(300):
            silent = socket.create_connection((LOOPBACK, free_port), TIME_LIMIT)
            stack.enter_context(silent).sendall(b"GET /he")
        for _ in range(3):  # the last of them may still be on their way in
            assert operator.ask("/healthz").status == 200
        most = gateway.idle_sockets + MAX_CONNECTIONS + 32
        wait_until(lambda: gateway.sockets() <= most, "the oldest closed")
