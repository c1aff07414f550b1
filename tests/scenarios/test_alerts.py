"""Every alert that a gateway can send is reached: here those that no honest agent provokes.

The others have their tests in test_refusals (certificates, domain, destination), test_strangers
and test_agent_refuses (protocol_error, unsupported_version, no_common_suite, bad_record),
test_upgrade (not_permitted, not_websocket), test_limits (overloaded), test_timeouts (timed_out)
and test_shutdown (shutting_down); `test_none_is_forgotten` holds the list.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.credentials import Credentials, Holder
from tests.support.log_lines import Record
from tests.support.peer import Peer
from tests.support.processes import Gateway, command, wait_until
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.protocol.alerts import AlertCode

# Off in this gateway; tests/revocation/test_watch.py has it.
UNREACHED = {"certificate_revoked"}


def test_a_signature_with_another_key(gateway: Gateway, credentials: Credentials) -> None:
    stranger: Holder = credentials.user("thief")
    stolen = Identity(stranger.identity.private_key, stranger.identity.chain)
    object.__setattr__(stolen, "chain", credentials.citizen.identity.chain)
    peer = Peer(gateway.address, credentials.settings(identity=stolen))
    with peer.socket:
        assert peer.alert() == "bad_signature"
    line = gateway.logged("tunnel_refused", client=peer.name)
    assert line["reason"] == "bad_signature"
    assert credentials.citizen.identity.leaf.label in line["detail"]
    assert "user" not in line  # nothing is proven


@pytest.fixture
def failing(
    credentials: Credentials, destinations: dict[str, int], tmp_path: Path
) -> Iterator[Gateway]:
    """A gateway with a mistake in it, and one place for a tunnel."""
    program = command(
        "from tunnel_gateway.gateway import opening",
        "opening.check_origin = lambda *_, **__: 1 // 0",
    )
    running = Gateway(credentials, tmp_path, destinations, {"limit": 1}, program)
    yield running
    if running.process.poll() is None:  # the test failed before it ended it
        running.process.kill()
        running.exit_code()


def test_an_error_of_our_own(failing: Gateway, credentials: Credentials) -> None:
    def provoke() -> bool:
        with Peer.of(failing, credentials) as peer:
            try:
                peer.open()
            except AssertionError:
                return False  # the place is taken as long as the last one's sockets are
            peer.upgrade()
            assert peer.alert() == "internal_error"
            return True

    def refused() -> list[Record]:
        # The last line of a session: all its others are here too.
        lines = [line for line in failing.records() if line["event"] == "tunnel_refused"]
        return [line for line in lines if line["reason"] == "internal_error"]

    for _ in range(3):  # the place comes back
        wait_until(provoke, "a free place")
    failing.wait_for(lambda: len(refused()) == 3, "a line for each")
    errors = [line for line in failing.records() if line["event"] == "internal_error"]
    assert len(errors) == 3
    assert all("ZeroDivisionError" in line["exception"] for line in errors)
    assert all(line["level"] == "error" for line in errors)
    assert all(line["detail"] == "internal error" for line in refused())
    wait_until(lambda: failing.sockets() <= failing.idle_sockets, "every socket closed")
    assert failing.stop() == 0
    assert all(json.loads(line) for line in failing.errors)


def test_the_end_of_the_socket_without_a_close(gateway: Gateway, credentials: Credentials) -> None:
    with Peer.of(gateway, credentials) as peer:
        peer.open()
        peer.socket.shutdown(socket.SHUT_WR)
        peer.alert()
    assert gateway.logged("tunnel_refused")["reason"] == "truncated"


@pytest.mark.parametrize("code", sorted({code.name.lower() for code in AlertCode} - UNREACHED))
def test_none_is_forgotten(code: str) -> None:
    here = Path(__file__).parent
    tested = "".join(path.read_text(encoding="utf-8") for path in here.glob("test_*.py"))
    assert f'"{code}"' in tested
