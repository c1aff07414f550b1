"""Every kind of stranger does what it is there for: the gateway turns it away for that reason."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

from tests.soak.attacker import Attacker
from tests.soak.strangers import strangers
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.processes import PROJECT, TIME_LIMIT, Gateway

StartGateway = Callable[..., Gateway]
REFUSED = {"certificate_untrusted", "certificate_unsuitable"}


def test_every_kind(start_gateway: StartGateway, credentials: Credentials) -> None:
    gateway = start_gateway(handshake_timeout=2)
    # One each: a port of one address may be given out twice.
    sources = [f"127.0.1.{number}" for number in range(1, 100)]
    attacker = Attacker(gateway.address, sources, FIRST_DOMAIN)
    came = {}
    for stranger in strangers(credentials):
        stranger.come(attacker)
        came[attacker.name] = stranger
    attacker.close()
    assert len(came) > 50
    for name, stranger in came.items():
        if stranger.name == "nothing":
            continue  # a balancer's health check looks the same
        line = gateway.logged("tunnel_refused", client=name)
        reasons = {stranger.reason} if stranger.reason else REFUSED
        assert line["reason"] in reasons, (stranger.name, line)


def test_a_short_soak() -> None:
    """The program itself runs, and what it says adds up."""
    command = (sys.executable, "-m", "tests.soak", "--handshakes", "300", "--tunnels", "3")
    done = subprocess.run(
        command, cwd=PROJECT, check=False, capture_output=True, timeout=2 * TIME_LIMIT
    )
    report = json.loads(done.stdout)
    assert report["handshakes"] == sum(report["by_kind"].values()) >= 300
    assert report["faults"] == {}
    assert report["user_handshake_ms"]["number"] > 0
    assert report["tunnel_echo_ms"]["number"] >= 3
