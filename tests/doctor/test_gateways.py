"""The gateways of a user: proven, untrusted, expired, away."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.credentials import DAY, FIRST_DOMAIN, NOW, Credentials
from tests.support.house import house
from tests.support.loopback import LOOPBACK
from tests.support.processes import ReservedPort
from tunnel_gateway.config.values import Address
from tunnel_gateway.doctor import gateways, texts
from tunnel_gateway.doctor.gateways import check_gateways
from tunnel_gateway.doctor.observation import Observation
from tunnel_gateway.pki.certificates.certificate import Certificate


async def look(
    port: int, *anchors: Certificate, domain: str = FIRST_DOMAIN, host: str = LOOPBACK
) -> Observation:
    (seen,) = [seen async for seen in check_gateways({domain: Address(host, port)}, anchors)]
    assert seen.subject == domain
    return seen


async def test_no_gateways() -> None:
    assert [seen async for seen in check_gateways({}, [])] == []


async def test_a_gateway_that_proves_its_domain(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        seen = await look(home.listener.port, credentials.authority.root.leaf)
        assert seen.row is texts.GATEWAY_GOOD
        assert seen.facts["until"] == f"{credentials.example.identity.leaf.not_after:%Y-%m-%d}"
        assert (await home.ended())["reason"] == "alert_received"


async def test_a_gateway_without_trust(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        stranger = Credentials.new_authority().root.leaf
        seen = await look(home.listener.port, stranger)
        assert seen.row is texts.GATEWAY_WRONG
        unproven = await look(home.listener.port)
        assert unproven.row is texts.GATEWAY_NOT_PROVEN


async def test_a_domain_that_the_gateway_does_not_serve(
    credentials: Credentials, tmp_path: Path
) -> None:
    async with house(credentials, tmp_path) as home:
        seen = await look(
            home.listener.port, credentials.authority.root.leaf, domain="boshqa.example"
        )
    assert seen.row is texts.GATEWAY_WRONG
    assert "unknown_domain" in seen.facts["fault"]


async def test_a_gateway_whose_certificate_has_ended(
    credentials: Credentials, tmp_path: Path
) -> None:
    servers = tmp_path / "servers"
    credentials.domain(FIRST_DOMAIN, folder=servers, not_after=NOW - DAY)
    async with house(credentials, tmp_path, **{"servers.dir": servers}) as home:
        seen = await look(home.listener.port, credentials.authority.root.leaf)
    assert seen.row is texts.GATEWAY_EXPIRED


@pytest.mark.parametrize("trusting", [True, False])
async def test_nobody_listens(
    credentials: Credentials, closed_port: ReservedPort, *, trusting: bool
) -> None:
    anchors = [credentials.authority.root.leaf] if trusting else []
    seen = await look(closed_port.number, *anchors)
    assert seen.row is texts.GATEWAY_AWAY
    assert "Connection refused" in seen.facts["fault"]
    seen = await look(1, *anchors, host=f"{'a' * 70}.uz")
    assert seen.row is texts.GATEWAY_AWAY


async def test_a_program_that_is_no_gateway(
    credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateways, "_SECONDS", 0.5)
    with socket.create_server((LOOPBACK, 0)) as silent:
        seen = await look(silent.getsockname()[1], credentials.authority.root.leaf)
    assert seen.row is texts.GATEWAY_WRONG
    assert "in time" in seen.facts["fault"]


async def test_a_gateway_that_speaks_stp_is_only_connected_to(
    credentials: Credentials, tmp_path: Path
) -> None:
    anchors = [credentials.authority.root.leaf]
    async with house(credentials, tmp_path) as home:
        where = {FIRST_DOMAIN: Address(LOOPBACK, home.listener.port)}
        (seen,) = [one async for one in check_gateways(where, anchors, (FIRST_DOMAIN,))]
        assert seen.row is texts.GATEWAY_BY_STP
        assert (await home.ended())["event"] == "probe"
