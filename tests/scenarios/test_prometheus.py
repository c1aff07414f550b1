"""A real Prometheus watches a real gateway through a day of its life, and counts right."""

from __future__ import annotations

import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.admin import Operator
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.destination import SWITCHED, everything, join
from tests.support.peer import Peer
from tests.support.processes import LOOPBACK, Gateway, ReservedPort
from tests.support.prometheus import Prometheus
from tunnel_gateway.protocol.events import CloseReceived

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="prometheus is missing: apt-get install prometheus"
)

UP = 5000
DOWN = 70_000


@pytest.fixture
def watched(
    start_gateway: Callable[..., Gateway], tmp_path: Path
) -> Iterator[tuple[Gateway, Operator, Prometheus]]:
    reserved = ReservedPort()
    path = tmp_path / "admin.sock"
    # The fifth tunnel is one too many; what is idle for long ends by itself.
    gateway = start_gateway(
        admin_listen=f"unix:{path}, {LOOPBACK}:{reserved.number}", limit=4, drain_timeout=60
    )
    prometheus = Prometheus(tmp_path, reserved.number)
    reserved.close()
    yield gateway, Operator(path), prometheus
    prometheus.stop()


def test_the_numbers_are_right(
    watched: tuple[Gateway, Operator, Prometheus],
    credentials: Credentials,
    destination: socket.socket,
) -> None:
    gateway, operator, prometheus = watched
    prometheus.shows("tunnel_gateway_ready", 1)
    prometheus.shows("sum(tunnel_gateway_tunnels_opened_total) or vector(0)", 0)
    with ExitStack() as stack:
        peers, others = [], []
        for _ in range(4):
            peers.append(stack.enter_context(Peer.of(gateway, credentials, dst_id="raw")))
            others.append(stack.enter_context(join(peers[-1], destination)))
        # One is one too many, six ask for what there is not.
        with Peer.of(gateway, credentials, dst_id="raw") as peer:
            assert peer.alert() == "overloaded"
        for peer, other in zip(peers, others, strict=True):
            peer.send(bytes(UP))
            other.sendall(bytes(DOWN))
            assert len(peer.data(DOWN)) == DOWN
            received = 0
            while received < UP:
                received += len(other.recv(65536))
        # While they run.
        first = f'domain="{FIRST_DOMAIN}",dst_id="raw"'
        carried = DOWN + len(SWITCHED)
        prometheus.shows(f"tunnel_gateway_tunnels_open{{{first}}}", 4)
        prometheus.shows("sum(tunnel_gateway_tunnels_open)", 4)
        prometheus.shows('sum(tunnel_gateway_bytes_total{direction="up"})', 4 * UP)
        prometheus.shows('sum(tunnel_gateway_bytes_total{direction="down"})', 4 * carried)
        prometheus.shows('tunnel_gateway_limit_used{limit="tunnel.limit"}', 4)
        prometheus.shows('tunnel_gateway_limits_reached_total{limit="tunnel.limit"}', 1)
        prometheus.shows('tunnel_gateway_connections{stage="open"}', 4)

        # Two end in order, one by an operator, one by its user's machine.
        for peer, other in zip(peers[:2], others[:2], strict=True):
            other.shutdown(socket.SHUT_WR)
            assert isinstance(peer.event(), CloseReceived)
            peer.send_close()
            assert everything(other) == b""
        assert operator.close(peers[2].tunnel_id).status == 200
        assert peers[2].alert() == "closed_by_operator"
        assert everything(others[2]) == b""
        peers[3].socket.close()
        assert everything(others[3]) == b""
    prometheus.shows("sum(tunnel_gateway_tunnels_open)", 0)
    for _ in range(3):
        with Peer.of(gateway, credentials, domain="nowhere.uz") as peer:
            assert peer.alert() == "unknown_domain"
        with Peer.of(gateway, credentials, dst_id="nowhere") as peer:
            assert peer.alert() == "unknown_destination"
        with Peer.of(gateway, credentials, dst_id="closed") as peer:
            assert peer.alert() == "destination_unreachable"
    closed = "tunnel_gateway_tunnels_closed_total"
    refused = "tunnel_gateway_refusals_total"
    for query, number in (
        (f'sum({closed}{{reason="completed"}})', 2),
        (f'sum({closed}{{reason="closed_by_operator"}})', 1),
        (f"sum({closed})", 4),
        ("sum(tunnel_gateway_tunnels_opened_total)", 4),
        (f'sum({refused}{{reason="unknown_domain"}})', 3),
        (f'sum({refused}{{reason="unknown_destination"}})', 3),
        (f'sum({refused}{{reason="destination_unreachable"}})', 3),
        (f'sum({refused}{{reason="overloaded"}})', 1),
        (f"sum({refused})", 10),
        ("tunnel_gateway_handshake_seconds_count", 4 + 3 + 3),
        ('tunnel_gateway_connect_seconds_count{dst_id="raw"}', 4),
        ('tunnel_gateway_connect_failures_total{dst_id="closed"}', 3),
        ('tunnel_gateway_destination_up{dst_id="raw"}', 1),
        ('tunnel_gateway_destination_up{dst_id="closed"}', 0),
        # What ended is still counted, and nothing ever went back.
        ('sum(tunnel_gateway_bytes_total{direction="up"})', 4 * UP),
        ('sum(tunnel_gateway_bytes_total{direction="down"})', 4 * carried),
        ("sum(resets(tunnel_gateway_bytes_total[5m]))", 0),
        ("max_over_time(sum(tunnel_gateway_tunnels_open)[5m:1s])", 4),
        # The clock is that of this machine, read when it was asked for.
        ("round(tunnel_gateway_clock_timestamp_seconds - timestamp(up), 5)", 0),
    ):
        prometheus.shows(query, number)

    groups = prometheus.ask("rules")["groups"]
    assert {one["health"] for group in groups for one in group["rules"]} == {"ok"}
    gateway.signal(signal.SIGTERM)
    assert gateway.exit_code() == 0
    prometheus.shows("up", 0)
