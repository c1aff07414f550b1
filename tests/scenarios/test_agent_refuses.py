"""The agent shows the user's certificate only to the domain that the page asked for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.credentials import DAY, NOW, Credentials
from tests.support.processes import LOOPBACK, Agent, Gateway, command
from tests.support.proxy import flip, proxy

StartAgent = Callable[..., Agent]
IMPOSTOR = "soxta.uz"


@pytest.fixture
def impostor(
    credentials: Credentials, destinations: dict[str, int], tmp_path: Path
) -> Callable[..., Gateway]:
    """Start a gateway for IMPOSTOR whose certificate is not what it should be.

    A gateway would not start with another domain's certificate, so its own check is taken out.
    """

    def start(**options: object) -> Gateway:
        folder = tmp_path / "impostor"
        made = credentials.domain(IMPOSTOR, folder=folder, **options)  # type: ignore[arg-type]
        assert made.chain.exists()
        program = command(
            "from tunnel_gateway.gateway import domains",
            "domains.check_server = lambda *_: None",
        )
        shown = Credentials.__new__(Credentials)
        shown.truststore, shown.servers = credentials.truststore, folder
        return Gateway(shown, tmp_path, destinations, program=program)

    return start


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({"certified": "example.uz"}, "certificate_unsuitable", IMPOSTOR),
        ({"issuer": Credentials.new_authority()}, "certificate_untrusted", ""),
        ({"not_after": NOW - DAY}, "certificate_expired", "expired"),
        ({"key_usage": frozenset({"keyAgreement"})}, "certificate_unsuitable", "digitalSignature"),
    ],
    ids=["another name", "another authority", "expired", "not for signing"],
)
def test_a_domain_certificate(
    options: dict[str, object],
    code: str,
    says: str,
    impostor: Callable[..., Gateway],
    start_agent: StartAgent,
) -> None:
    gateway = impostor(**options)
    try:
        message = start_agent(port=gateway.port, domain=IMPOSTOR).failure()
        assert says in message
        line = gateway.logged("tunnel_refused")
        assert line["reason"] == "alert_received"
        assert f"the other side ended the tunnel: {code} " in line["detail"]
        assert "user" not in line
        gateway.check_clean()
    finally:
        assert gateway.stop() == 0


# The gateway's first flight: its hello of 131 bytes after a header of 3, then its proof.
@pytest.mark.parametrize(
    ("position", "says"),
    [
        (0, "unknown type 0"),
        (3, "version 0"),
        (5, "a suite that was not offered"),
        (20, "a record does not open"),
        (134 + 3, "a record does not open"),
        (134 + 200, "a record does not open"),
    ],
)
def test_a_handshake_changed_on_its_way(
    position: int, says: str, gateway: Gateway, start_agent: StartAgent
) -> None:
    with proxy(gateway.address, to_agent=flip(position)) as port:
        message = start_agent(port=port).failure()
    assert says in message
    assert gateway.logged("tunnel_refused")["reason"] in ("alert_received", "bad_record")


# The agent's hello: type, version, suite, random, server name; then its proof.
@pytest.mark.parametrize(
    ("position", "reason"),
    [
        (3, "protocol_error"),
        (7, "unsupported_version"),
        (10, "no_common_suite"),
        (3 + 4 + 1 + 3 + 32 + 64 + 1, "unknown_domain"),
        (3 + 4 + 1 + 3 + 32 + 64 + 1 + 10 + 100, "bad_record"),
    ],
)
def test_a_hello_or_proof_changed_on_its_way(
    position: int, reason: str, gateway: Gateway, start_agent: StartAgent
) -> None:
    with proxy(gateway.address, to_gateway=flip(position)) as port:
        message = start_agent(port=port).failure()
    assert f"the other side ended the tunnel: {reason} " in message
    assert gateway.logged("tunnel_refused")["reason"] == reason


def test_a_random_value_changed_on_its_way(gateway: Gateway, start_agent: StartAgent) -> None:
    with proxy(gateway.address, to_gateway=flip(30)) as port:
        message = start_agent(port=port).failure()
    assert message == "a record does not open"
    # The two have no keys in common, so neither understands the other's alert.
    assert gateway.logged("tunnel_refused")["reason"] == "bad_record"


def test_a_port_where_something_else_listens(start_agent: StartAgent) -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        message = start_agent(port=listening.getsockname()[1]).failure()
        answering.join()
    assert message == "the other side speaks text, such as HTTP, not this protocol"


def test_a_port_that_hangs_up(start_agent: StartAgent) -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            connection.close()

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        port = listening.getsockname()[1]
        message = start_agent(port=port).failure()
        hanging_up.join()
    assert message.startswith(f"{LOOPBACK}:{port} ended the handshake: ")
