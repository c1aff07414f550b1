"""Who a destination is not for gets an alert, a line in the log, and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.credentials import SECOND_DOMAIN, Credentials
from tests.support.processes import COMMAND, Agent, Gateway, Program, write_config
from tunnel_gateway.pki.authority import Person

OFFICER = Person(
    "TO‘LAGANOVA OYGUL", pinfl="10000000000002", uid="400000002", inn="300000001", organisation="X"
)
REFUSED = "the other side ended the tunnel: not_permitted (this user or page may not use the"


def test_a_destination_for_one_legal_entity(
    start_gateway: Callable[..., Gateway],
    start_agent: Callable[..., Agent],
    credentials: Credentials,
) -> None:
    gateway = start_gateway(destination_api_allow_inn="300000001")
    officer = credentials.user("officer", OFFICER)
    assert start_agent(gateway.port).failure().startswith(REFUSED)
    line = gateway.logged("tunnel_refused")
    citizen = credentials.citizen.identity.leaf
    assert {
        "level": "warning",
        "reason": "not_permitted",
        "rule": "tunnel.destination.api.allow.inn",
        "dst_id": "api",
        "domain": "example.uz",
        "user": "G… O…",
        "serial": citizen.serial_hex,
        "issuer": citizen.issuer,
    }.items() <= line.items()
    assert start_agent(gateway.port, user=officer).address()
    # The rule is of one destination: the other one would be open, but nobody listens there.
    assert "destination_unreachable" in start_agent(gateway.port, dst_id="closed").failure()


def test_the_application_hears_nothing_of_who_is_denied(
    start_gateway: Callable[..., Gateway],
    start_agent: Callable[..., Agent],
    credentials: Credentials,
    destination: socket.socket,
) -> None:
    leaf, centre = credentials.citizen.identity.chain[:2]
    gateway = start_gateway(destination_raw_deny_serial=f"{leaf.serial_hex}@{centre.key_id}")
    assert start_agent(gateway.port, dst_id="raw").failure().startswith(REFUSED)
    assert gateway.logged("tunnel_refused")["rule"] == "tunnel.destination.raw.deny.serial"
    destination.setblocking(False)
    with pytest.raises(BlockingIOError):
        destination.accept()


def test_a_destination_of_one_domain(
    start_gateway: Callable[..., Gateway], start_agent: Callable[..., Agent]
) -> None:
    gateway = start_gateway(destination_api_domains=SECOND_DOMAIN)
    assert start_agent(gateway.port).failure().startswith(REFUSED)
    assert gateway.logged("tunnel_refused")["rule"] == "tunnel.destination.api.domains"
    assert start_agent(gateway.port, domain=SECOND_DOMAIN).address()


def test_the_start_says_who_may_go_where(start_gateway: Callable[..., Gateway]) -> None:
    gateway = start_gateway(destination_api_deny_pinfl="10000000000009")
    policies = gateway.logged("listening")["policies"]
    assert policies[0].endswith("for every trusted user, but none of one PINFL")
    assert policies[1].endswith("for every trusted user")


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ({"api.domains": "nomalum.uz"}, "api.domains: nomalum.uz is not a domain of this gateway"),
        ({"api.allow.inn": "30000000"}, "api.allow.inn: expected an INN of 9 digits"),
        ({"api.allow.pinfl": ""}, "api.allow.pinfl: expected a PINFL of 14 digits, got ''"),
        (
            {"api.allow.uid": "400000001", "api.deny.uid": "400000001"},
            "api.deny.uid: 400000001 is in tunnel.destination.api.allow.uid too, in line 6",
        ),
    ],
)
def test_rules_that_cannot_be_meant_do_not_start(
    rules: dict[str, str], fault: str, credentials: Credentials, tmp_path: Path
) -> None:
    path = tmp_path / "config.properties"
    settings = {f"destination.{key}": value for key, value in rules.items()}
    write_config(path, credentials, 1, {"api": 1}, settings)
    program = Program("the gateway", *COMMAND, "serve", "--config", str(path))
    assert program.exit_code() == 1
    (line,) = program.errors
    number = 5 + len(rules)
    assert line.startswith(f"tunnel-gateway: {path}:{number}: tunnel.destination.{fault}")
