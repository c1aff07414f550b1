"""SIGHUP and changed files: all that is good becomes current at once, or nothing does."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.credentials import DAY, FIRST_DOMAIN, NOW, SECOND_DOMAIN, Credentials
from tests.support.destination import join
from tests.support.log_lines import Record
from tests.support.peer import Peer
from tests.support.processes import Gateway, wait_until, write_config
from tunnel_gateway.errors import AlertReceivedError
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.protocol.events import Failed, Opened

THIRD_DOMAIN = "yangi.uz"
StartGateway = Callable[..., Gateway]


@pytest.fixture
def own(tmp_path: Path) -> Credentials:
    """Files that this test may change."""
    return Credentials(tmp_path / "own")


@pytest.fixture
def gateway(own: Credentials, destinations: dict[str, int], tmp_path: Path) -> Iterator[Gateway]:
    running = Gateway(own, tmp_path, destinations)
    yield running
    if running.process.poll() is None:
        running.check_clean()
        assert running.stop() == 0


def serial_of(gateway: Gateway, own: Credentials, domain: str = FIRST_DOMAIN) -> int:
    """Return the serial number of the certificate that the gateway shows."""
    with Peer.of(gateway, own, domain=domain) as peer:
        event = peer.event()
        assert isinstance(event, Opened), event
        return event.peer.leaf.serial


def refusal_of(gateway: Gateway, own: Credentials, **settings: str) -> str:
    with Peer.of(gateway, own, **settings) as peer:
        event = peer.event()
        assert isinstance(event, Failed)
        assert isinstance(event.error, AlertReceivedError)
        return event.error.name


def reload(gateway: Gateway, event: str = "reloaded") -> Record:
    gateway.forget()
    gateway.signal(signal.SIGHUP)
    return gateway.logged(event)


def test_a_renewed_certificate_serves_the_next_handshake(
    gateway: Gateway, own: Credentials, destination: socket.socket
) -> None:
    before = serial_of(gateway, own)
    with Peer.of(gateway, own, dst_id="raw") as peer, join(peer, destination) as other:
        renewed = own.domain(FIRST_DOMAIN)
        assert serial_of(gateway, own) == before  # nobody has asked yet
        line = reload(gateway)
        assert line["renewed"] == [FIRST_DOMAIN]
        assert line["domains"] == sorted([FIRST_DOMAIN, SECOND_DOMAIN])
        assert serial_of(gateway, own) == renewed.identity.leaf.serial != before
        peer.send(b"hali ham")
        assert other.recv(100) == b"hali ham"
        other.sendall(b"albatta")
        assert peer.data(7) == b"albatta"


def test_domains_come_and_go(gateway: Gateway, own: Credentials) -> None:
    assert refusal_of(gateway, own, domain=THIRD_DOMAIN) == "unknown_domain"
    added = own.domain(THIRD_DOMAIN)
    (own.servers / SECOND_DOMAIN).rename(own.folder / "away")
    line = reload(gateway)
    assert (line["renewed"], line["removed"]) == ([], [SECOND_DOMAIN])
    assert serial_of(gateway, own, THIRD_DOMAIN) == added.identity.leaf.serial
    assert refusal_of(gateway, own, domain=SECOND_DOMAIN) == "unknown_domain"


def test_all_or_nothing(gateway: Gateway, own: Credentials, destinations: dict[str, int]) -> None:
    before = serial_of(gateway, own)
    own.domain(FIRST_DOMAIN)  # good, and yet not used:
    (own.servers / SECOND_DOMAIN / "key.pem").write_text("no key")
    more = destinations | {"more": destinations["api"]}
    write_config(gateway.config, own, gateway.port, more)
    line = reload(gateway, "reload_refused")
    assert f"{own.servers / SECOND_DOMAIN / 'key.pem'}: " in line["detail"]
    assert line["level"] == "error"
    assert serial_of(gateway, own) == before
    assert refusal_of(gateway, own, dst_id="more") == "unknown_destination"

    own.domain(SECOND_DOMAIN)
    assert reload(gateway)["renewed"] == sorted([FIRST_DOMAIN, SECOND_DOMAIN])
    assert serial_of(gateway, own) != before
    with Peer.of(gateway, own, dst_id="more") as peer:
        peer.open()


def test_a_fault_is_named_by_file_line_and_key(gateway: Gateway, own: Credentials) -> None:
    text = gateway.config.read_text()
    gateway.config.write_text(f"{text}tunnel.limit=many\ntunnel.lmit=1\n")
    reload(gateway, "reload_refused")
    gateway.wait_for(lambda: len(gateway.records()) == 2, "both faults")
    lines = len(text.splitlines())
    first, second = (line["detail"] for line in gateway.records())
    assert first.startswith(f"{gateway.config}:{lines + 1}: tunnel.limit: ")
    assert second.startswith(f"{gateway.config}:{lines + 2}: tunnel.lmit: ")
    gateway.config.write_text(text.replace("enabled=yes", "enabled=no"))
    assert "tunnel.enabled" in reload(gateway, "reload_refused")["detail"]
    gateway.config.unlink()
    assert str(gateway.config) in reload(gateway, "reload_refused")["detail"]
    serial_of(gateway, own)


def test_limits_and_log_level(
    gateway: Gateway, own: Credentials, destinations: dict[str, int]
) -> None:
    write_config(gateway.config, own, gateway.port, destinations, {"limit": 1})
    reload(gateway)
    with Peer.of(gateway, own) as first, Peer.of(gateway, own) as second:
        first.open()
        assert second.alert() == "overloaded"
    wait_until(lambda: gateway.sockets() <= gateway.idle_sockets, "every socket closed")
    write_config(gateway.config, own, gateway.port, destinations, {"log.level": "debug"})
    reload(gateway)
    socket.create_connection(gateway.address).close()
    gateway.logged("probe")


def test_what_needs_a_restart_is_said(
    gateway: Gateway, own: Credentials, destinations: dict[str, int]
) -> None:
    write_config(gateway.config, own, gateway.port, destinations, {"listen.port": 1})
    assert reload(gateway, "restart_needed")["key"] == "tunnel.listen.port"
    gateway.logged("reloaded")
    serial_of(gateway, own)


def test_another_truststore(gateway: Gateway, own: Credentials) -> None:
    stranger = own.new_authority()
    own.truststore.write_bytes(to_pem(stranger.root.chain))
    serial_of(gateway, own)
    reload(gateway)
    assert refusal_of(gateway, own) == "certificate_untrusted"  # though it was remembered


def test_changed_files_are_noticed(
    own: Credentials, destinations: dict[str, int], tmp_path: Path
) -> None:
    gateway = Gateway(own, tmp_path, destinations, {"reload.interval": 0.05})
    before = serial_of(gateway, own)
    own.domain(FIRST_DOMAIN)
    gateway.logged("reloaded", renewed=[FIRST_DOMAIN])
    assert serial_of(gateway, own) != before
    gateway.forget()
    os.utime(gateway.config)
    gateway.logged("reloaded", renewed=[])
    assert gateway.stop() == 0
    gateway.check_log()


def test_certificates_that_expire(
    own: Credentials, destinations: dict[str, int], tmp_path: Path
) -> None:
    own.domain(FIRST_DOMAIN, not_after=NOW + 6.5 * DAY)
    gateway = Gateway(own, tmp_path, destinations)
    line = gateway.logged("certificate_expires")
    assert (line["level"], line["days"]) == ("warning", 6)
    assert line["used_for"] == f"domain {FIRST_DOMAIN}"
    gateway.forget()
    own.domain(SECOND_DOMAIN, not_after=NOW + DAY / 2)
    reload(gateway)
    line = gateway.logged("certificate_expires")
    assert (line["level"], line["days"]) == ("error", 0)
    assert [one["used_for"] for one in gateway.records() if "used_for" in one] == [
        f"domain {SECOND_DOMAIN}"  # the other was warned of already
    ]
    assert gateway.stop() == 0
