"""Every limit is reached, and the tunnel of somebody else does not notice."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest

from tests.support.credentials import Credentials, Holder
from tests.support.destination import join
from tests.support.peer import Peer
from tests.support.processes import LOOPBACK, TIME_LIMIT, Gateway, wait_until, write_config
from tunnel_gateway.errors import AlertReceivedError
from tunnel_gateway.protocol.alerts import AlertCode
from tunnel_gateway.protocol.events import Failed, Opened

StartGateway = Callable[..., Gateway]
Others = Callable[[Gateway], AbstractContextManager[Callable[[], None]]]

# The loopback is free of limits by default.
STRANGERS = {"source_networks": "192.0.2.0/24 free"}
GREEDY, OTHER = "127.0.0.2", "127.0.0.3"


@pytest.fixture(scope="module")
def somebody(credentials: Credentials) -> Holder:
    """Another user."""
    return credentials.user("somebody")


@contextmanager
def unharmed(
    gateway: Gateway, credentials: Credentials, somebody: Holder, destination: socket.socket
) -> Iterator[Callable[[], None]]:
    """The tunnel of another user from another address; gives what proves that it goes on."""
    with (
        Peer.of(gateway, credentials, OTHER, identity=somebody.identity, dst_id="raw") as peer,
        join(peer, destination) as other,
    ):

        def talk() -> None:
            peer.send(b"hali ham")
            assert other.recv(100) == b"hali ham"
            other.sendall(b"albatta")
            assert peer.data(7) == b"albatta"

        talk()
        yield talk
        talk()


@pytest.fixture
def others(credentials: Credentials, somebody: Holder, destination: socket.socket) -> Others:
    return lambda gateway: unharmed(gateway, credentials, somebody, destination)


def silent(gateway: Gateway, stack: ExitStack, source: str = GREEDY) -> socket.socket:
    """Connect, and say nothing."""
    return stack.enter_context(socket.create_connection(gateway.address, TIME_LIMIT, (source, 0)))


def answer(connection: socket.socket) -> AlertCode | None:
    """Wait for the alert in clear, or an end without one."""
    try:
        record = connection.recv(100)
    except ConnectionResetError:
        return None
    return AlertCode(record[3]) if record else None


def outcome(
    gateway: Gateway, credentials: Credentials, source: str = GREEDY, **more: object
) -> str:
    with Peer.of(gateway, credentials, source, **more) as peer:
        try:
            event = peer.event()
        except (ConnectionResetError, BrokenPipeError):
            return "dropped"
        if isinstance(event, Opened):
            return "open"
        assert isinstance(event, Failed)
        return event.error.name if isinstance(event.error, AlertReceivedError) else "dropped"


def limit_of(gateway: Gateway, reason: str) -> str:
    found: str = gateway.logged("tunnel_refused", reason=reason)["limit"]
    return found


class TestSource:
    def test_handshakes_a_second(
        self, start_gateway: StartGateway, credentials: Credentials, others: Others
    ) -> None:
        gateway = start_gateway(source_rate=1, source_burst=5, handshake_timeout=300, **STRANGERS)
        with others(gateway) as talk, ExitStack() as stack:
            crowd = [silent(gateway, stack) for _ in range(50)]
            assert answer(crowd[-1]) in {AlertCode.RATE_LIMITED, None}
            assert limit_of(gateway, "rate_limited") == "tunnel.source.rate"
            talk()
            assert outcome(gateway, credentials, OTHER) == "open"
        wait_until(lambda: outcome(gateway, credentials) == "open", "tokens")

    def test_a_flood_costs_little(self, start_gateway: StartGateway, others: Others) -> None:
        gateway = start_gateway(source_rate=1, source_burst=1, handshake_timeout=1, **STRANGERS)
        with others(gateway) as talk:
            started = time.monotonic()
            with ExitStack() as stack:
                answers = [answer(one) for one in [silent(gateway, stack) for _ in range(300)]]
            seconds = time.monotonic() - started
            # Those that had a token were waited for.
            assert set(answers) == {AlertCode.RATE_LIMITED, AlertCode.TIMED_OUT, None}
            assert 10 <= answers.count(AlertCode.RATE_LIMITED) <= 11 + seconds
            assert answers.count(AlertCode.TIMED_OUT) <= 2 + seconds
            talk()
            lines = gateway.records()
            assert sum(one.get("reason") == "rate_limited" for one in lines) <= 11 + seconds

            def counted() -> bool:
                with ExitStack() as stack:
                    for _ in range(3):
                        silent(gateway, stack)
                return any("untold" in line for line in gateway.records())

            wait_until(counted, "a line that tells of the others")

    def test_handshakes_in_progress(
        self, start_gateway: StartGateway, credentials: Credentials, others: Others
    ) -> None:
        gateway = start_gateway(source_handshakes=2, handshake_timeout=300, **STRANGERS)
        with others(gateway) as talk:
            with ExitStack() as stack:
                for _ in range(2):
                    silent(gateway, stack)
                assert answer(silent(gateway, stack)) is AlertCode.RATE_LIMITED
                assert limit_of(gateway, "rate_limited") == "tunnel.source.handshakes"
                assert outcome(gateway, credentials, OTHER) == "open"
                talk()
            wait_until(lambda: outcome(gateway, credentials) == "open", "a free place")

    def test_open_tunnels(
        self, start_gateway: StartGateway, credentials: Credentials, others: Others
    ) -> None:
        gateway = start_gateway(source_limit=2, **STRANGERS)
        with others(gateway) as talk:
            with ExitStack() as stack:
                for _ in range(2):
                    stack.enter_context(Peer.of(gateway, credentials, GREEDY)).open()
                assert outcome(gateway, credentials) == "too_many_tunnels"
                assert limit_of(gateway, "too_many_tunnels") == "tunnel.source.limit"
                assert outcome(gateway, credentials, OTHER) == "open"
                talk()
            wait_until(lambda: outcome(gateway, credentials) == "open", "a free place")

    def test_a_named_network_may_more(
        self, start_gateway: StartGateway, credentials: Credentials
    ) -> None:
        gateway = start_gateway(source_limit=1, source_networks=f"{GREEDY} 3, {OTHER} free")
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(Peer.of(gateway, credentials, GREEDY)).open()
            assert outcome(gateway, credentials) == "too_many_tunnels"
            for _ in range(5):
                stack.enter_context(Peer.of(gateway, credentials, OTHER)).open()


def test_tunnels_of_a_certificate(
    start_gateway: StartGateway, credentials: Credentials, others: Others
) -> None:
    gateway = start_gateway(certificate_limit=2)
    with others(gateway) as talk:
        with ExitStack() as stack:
            for source in (GREEDY, "127.0.0.4"):
                stack.enter_context(Peer.of(gateway, credentials, source)).open()
            assert outcome(gateway, credentials) == "too_many_tunnels"
            line = gateway.logged("tunnel_refused", reason="too_many_tunnels")
            assert line["limit"] == "tunnel.certificate.limit"
            assert line["serial"] == f"{credentials.citizen.identity.leaf.serial:x}"
            talk()
        wait_until(lambda: outcome(gateway, credentials) == "open", "a free place")


class TestDestination:
    def test_tunnels(
        self, start_gateway: StartGateway, credentials: Credentials, others: Others
    ) -> None:
        gateway = start_gateway(destination_api_limit=1)
        with others(gateway) as talk:
            with Peer.of(gateway, credentials) as first:
                first.open()
                assert outcome(gateway, credentials) == "destination_busy"
                assert limit_of(gateway, "destination_busy") == "tunnel.destination.N.limit"
                talk()
            wait_until(lambda: outcome(gateway, credentials) == "open", "a free place")

    def test_connects_in_progress(
        self, start_gateway: StartGateway, credentials: Credentials, others: Others
    ) -> None:
        with ExitStack() as stack:
            hole = stack.enter_context(socket.create_server((LOOPBACK, 0), backlog=0))
            for _ in range(4):  # nobody takes them, so that the next has no answer
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(hole.getsockname())
            gateway = start_gateway(
                connect_timeout=20,
                destination_hole_host=LOOPBACK,
                destination_hole_port=hole.getsockname()[1],
                destination_hole_connect_limit=1,
            )
            with others(gateway) as talk:
                pair = [
                    stack.enter_context(Peer.of(gateway, credentials, dst_id="hole"))
                    for _ in range(2)
                ]
                for peer in pair:
                    finish_handshake(peer)
                gateway.logged("tunnel_refused", reason="destination_busy")
                key = "tunnel.destination.N.connect.limit"
                assert limit_of(gateway, "destination_busy") == key
                talk()
                assert outcome(gateway, credentials) == "open"  # of another destination


def finish_handshake(peer: Peer) -> None:
    """Send the client's last message, and wait for no answer to it."""
    peer.flush()
    while not (last := peer.connection.data_to_send()):
        peer.connection.receive_data(peer.socket.recv(65536))
    peer.socket.sendall(last)


class TestTunnel:
    def test_lifetime(
        self, start_gateway: StartGateway, credentials: Credentials, destination: socket.socket
    ) -> None:
        gateway = start_gateway(lifetime=1)
        with Peer.of(gateway, credentials, dst_id="raw") as peer, join(peer, destination) as other:
            other.settimeout(0.05)
            while gateway.process.poll() is None:
                try:
                    if not other.recv(100):
                        break
                except TimeoutError:
                    peer.send(b"band")
            assert peer.alert() == "timed_out"
        line = gateway.logged("tunnel_closed", reason="lifetime_timeout")
        assert line["limit"] == "tunnel.lifetime"
        assert line["seconds"] >= 1

    def test_bytes_a_second(
        self,
        start_gateway: StartGateway,
        credentials: Credentials,
        destination: socket.socket,
        others: Others,
    ) -> None:
        rate = 500_000
        gateway = start_gateway(bandwidth=rate)
        with (
            others(gateway) as talk,
            Peer.of(gateway, credentials, dst_id="raw") as peer,
            join(peer, destination) as other,
        ):
            started = time.monotonic()
            other.sendall(bytes(rate))
            peer.data(rate)
            talk()
            other.sendall(bytes(rate))
            peer.data(rate)
            talk()
            other.sendall(bytes(rate))
            peer.data(rate)
            # The first second's are a burst, and one read is known only when it has come.
            assert time.monotonic() - started >= 1


def test_memory(
    start_gateway: StartGateway,
    credentials: Credentials,
    destinations: dict[str, int],
    others: Others,
) -> None:
    gateway = start_gateway()
    with others(gateway) as talk:
        for limit, event, found in ((1, "memory_full", "overloaded"), (0, "memory_free", "open")):
            write_config(
                gateway.config, credentials, gateway.port, destinations, {"memory.limit": limit}
            )
            gateway.forget()
            gateway.signal(signal.SIGHUP)
            gateway.logged("reloaded")
            assert outcome(gateway, credentials) == found
            gateway.logged(event)
            talk()
            assert sum(line["event"] == event for line in gateway.records()) == 1
