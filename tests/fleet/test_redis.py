"""Two gateways behind HAProxy that count together in a real Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from tests.support.credentials import Credentials
from tests.support.fleet import Fleet, Member
from tests.support.peer import Peer
from tests.support.processes import LOOPBACK, TIME_LIMIT, Gateway, ReservedPort, wait_until
from tests.support.redis import RedisServer, Slow, redis, slow
from tunnel_gateway.errors import AlertReceivedError
from tunnel_gateway.protocol.client import ClientSettings
from tunnel_gateway.protocol.events import Failed, Opened

__all__ = ["redis"]  # the fixture

StartFleet = Callable[..., Fleet]
USER, OTHER = "127.0.0.9", "127.0.0.10"
LIMIT = 4
RATE = {"source_networks": "192.0.2.0/24 free", "source_rate": 1, "source_burst": 6}


@pytest.fixture(scope="module")
def shared_fleet(start_shared_fleet: StartFleet) -> Fleet:
    """A fleet for several tests, in which a certificate may have LIMIT tunnels."""
    return limited(start_shared_fleet)


@pytest.fixture
def user(credentials: Credentials) -> ClientSettings:
    """What a user wants who has no tunnel of another test: the fleet counts by certificate."""
    identity = credentials.user("of-one-test").identity
    return credentials.settings(dst_id="api", identity=identity)


def limited(start: StartFleet) -> Fleet:
    fleet = start("haproxy", with_redis=True, certificate_limit=LIMIT)
    for gateway in fleet.gateways:
        gateway.logged("fleet_joined")
    return fleet


@contextmanager
def client(fleet: Fleet, user: ClientSettings, source: str = USER) -> Iterator[Peer]:
    peer = Peer(fleet.balancer.address, user, source)
    with peer.socket:
        yield peer


def outcome(peer: Peer) -> str:
    event = peer.event()
    if isinstance(event, Opened):
        return "open"
    assert isinstance(event, Failed)
    # The balancer takes a while to see that a gateway is gone.
    return event.error.name if isinstance(event.error, AlertReceivedError) else "broken off"


def fill(fleet: Fleet, user: ClientSettings, stack: ExitStack, count: int) -> list[Peer]:
    peers = [stack.enter_context(client(fleet, user)) for _ in range(count)]
    assert [outcome(peer) for peer in peers] == ["open"] * count
    return peers


def attempt(fleet: Fleet, user: ClientSettings) -> str:
    with client(fleet, user) as peer:
        return outcome(peer)


def test_a_certificate_has_so_many_tunnels_at_both(fleet: Fleet, user: ClientSettings) -> None:
    with ExitStack() as stack:
        peers = fill(fleet, user, stack, LIMIT)
        # Wherever the balancer takes them, there is no place.
        assert {attempt(fleet, user) for _ in range(4)} == {"too_many_tunnels"}
        for gateway in fleet.gateways:
            line = gateway.logged("tunnel_refused", reason="too_many_tunnels")
            assert line["limit"] == "tunnel.certificate.limit"
            assert "all gateways together" in line["detail"]
        peers[0].socket.close()
        wait_until(lambda: attempt(fleet, user) == "open", "the free place")


def refused_by_all(fleet: Fleet) -> bool:
    return any(
        "all gateways together" in line["detail"]
        for gateway in fleet.gateways
        for line in gateway.records()
        if line.get("reason") == "rate_limited"
    )


def test_a_source_has_one_rate_at_both(start_fleet: StartFleet, user: ClientSettings) -> None:
    fleet = start_fleet("haproxy", with_redis=True, **RATE)
    for gateway in fleet.gateways:
        gateway.logged("fleet_joined")
    for _ in range(4):  # the first handshakes of a gateway take longer, and are charged for that
        with client(fleet, user, OTHER) as peer:
            assert outcome(peer) == "open"
    # At once, because tokens come back while a busy machine is slow. Each gateway alone would let
    # all ten in.
    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(lambda _: attempt(fleet, user), range(10)))
    assert 4 <= outcomes.count("open") < 10
    assert set(outcomes) == {"open", "rate_limited"}
    # Handshakes that took long may have emptied the buckets of the gateways first. In the long run
    # each of them lets as many in as all may together.
    wait_until(
        lambda: refused_by_all(fleet) or attempt(fleet, user) == "never", "a refusal of the fleet"
    )
    with client(fleet, user, OTHER) as peer:
        assert outcome(peer) == "open"


def test_redis_is_frozen(fleet: Fleet, user: ClientSettings) -> None:
    redis_goes_and_comes_back(signal.SIGSTOP, fleet, user)


def test_redis_is_killed(start_fleet: StartFleet, user: ClientSettings) -> None:
    redis_goes_and_comes_back(signal.SIGKILL, limited(start_fleet), user)


def redis_goes_and_comes_back(how: signal.Signals, fleet: Fleet, user: ClientSettings) -> None:
    redis = fleet.redis
    assert redis is not None
    with ExitStack() as stack:
        fill(fleet, user, stack, LIMIT)
        os.kill(redis.pid, how)
        # Other tests take ports all the time, and one of them would keep Redis from coming back.
        kept = reserved(redis.address[1]) if how == signal.SIGKILL else None
        for gateway in fleet.gateways:
            line = gateway.logged("fleet_unreachable")
            assert line["level"] == "error"
        # Each counts its own now: two of LIMIT are at each.
        fill(fleet, user, stack, LIMIT)
        assert attempt(fleet, user) == "too_many_tunnels"
        bring_back(redis, how)
        if kept is not None:
            kept.close()
        for gateway in fleet.gateways:
            wait_until(partial(joined_again, gateway), "the fleet again")
        assert {attempt(fleet, user) for _ in range(2)} == {"too_many_tunnels"}


def joined_again(gateway: Member) -> bool:
    return gateway.events().count("fleet_joined") == 2


def bring_back(redis: Member, how: signal.Signals) -> None:
    if how == signal.SIGSTOP:
        os.kill(redis.pid, signal.SIGCONT)
        return
    port = str(redis.address[1])
    command = ["redis-server", "--bind", LOOPBACK, "--port", port, "--save", ""]
    again = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd="/")
    _AGAIN.append(again)
    wait_until(lambda: again.poll() is not None or listens(redis.address), "Redis again")
    assert again.poll() is None, "Redis did not start: something else has its port"


def reserved(port: int) -> ReservedPort:
    """Take the port of a program that is about to die."""

    def take() -> ReservedPort | None:
        try:
            return ReservedPort(port)
        except OSError:
            return None

    taken = wait_until(take, "the port of the dead")
    assert taken is not None
    return taken


def listens(address: tuple[str, int]) -> bool:
    with socket.socket() as plain:
        return plain.connect_ex(address) == 0


def test_what_a_killed_gateway_held_comes_back(fleet: Fleet, user: ClientSettings) -> None:
    """It is the last test with this fleet, because one of its gateways is gone."""
    with ExitStack() as stack:
        fill(fleet, user, stack, LIMIT)
        assert attempt(fleet, user) == "too_many_tunnels"
        fleet.gateways[0].kill()
        # Its lease ends by itself, and HAProxy finds out that it is gone.
        wait_until(lambda: attempt(fleet, user) == "open", "the places of the dead")


def test_a_redis_that_is_far_away_costs_each_user_one_round_trip(
    start_gateway: Callable[..., Gateway], credentials: Credentials, redis: RedisServer
) -> None:
    users = 60
    with far_away(redis, 0.2) as proxy:
        gateway = start_gateway(fleet_redis=proxy.url, certificate_limit=2 * users)
        gateway.logged("fleet_joined")

        def come(number: int) -> str:
            with Peer.of(gateway, credentials, f"127.0.1.{number}", dst_id="api") as peer:
                return outcome(peer)

        with ThreadPoolExecutor(users) as pool:
            # One after the other they took 22 s, and twelve of them were given up.
            assert list(pool.map(come, range(1, users + 1))) == ["open"] * users


@contextmanager
def far_away(redis: RedisServer, delay: float) -> Iterator[Slow]:
    """Run a proxy whose answers are late in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    entering = slow(redis, delay)
    try:
        yield asyncio.run_coroutine_threadsafe(entering.__aenter__(), loop).result(TIME_LIMIT)
    finally:
        leaving = asyncio.run_coroutine_threadsafe(entering.__aexit__(None, None, None), loop)
        leaving.result(TIME_LIMIT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


_AGAIN: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def end_what_was_brought_back() -> Iterator[None]:
    yield
    while _AGAIN:
        process = _AGAIN.pop()
        process.kill()
        process.wait()


def test_without_it_nothing_of_redis_is_loaded() -> None:
    program = (
        "import sys; import tunnel_gateway.gateway.gateway, tunnel_gateway.cli.main;"
        " sys.exit('redis' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
