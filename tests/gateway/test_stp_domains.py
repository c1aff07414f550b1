"""STP at the gateway: who is shown which certificate, and whole tunnels of such a client."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.destination import SWITCHED
from tests.support.house import head
from tests.support.loopback import LOOPBACK, receive, send
from tests.support.peer import UPGRADE
from tests.support.stp_home import client
from tests.support.stp_sessions import recordings
from tunnel_gateway.config.destinations import Destination, Rule
from tunnel_gateway.config.values import Address, Entry
from tunnel_gateway.errors import (
    AlertReceivedError,
    ConfigError,
    NotPermittedError,
    UnknownDestinationError,
)
from tunnel_gateway.gateway.material import Material
from tunnel_gateway.gateway.stp_domains import stp_faults, stp_settings
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.encoding.oids import FAMILY_2024
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.alerts import AlertCode
from tunnel_gateway.protocol.stp.stp_constants import Mode


def destination(number: str, *domains: str) -> Destination:
    where = (Address("app", 80),)
    if not domains:
        return Destination(number, where)
    key, value = f"tunnel.destination.{number}.domains", ",".join(domains)
    entry = Entry(Path("x.properties"), 3, key, value)
    return Destination(number, where, domains=Rule("domain", frozenset(domains), entry))


def keys(domains: dict[str, Identity]) -> dict[str, list[Identity]]:
    return {name: [identity] for name, identity in domains.items()}


@pytest.fixture(scope="module")
def domains(credentials: Credentials) -> dict[str, Identity]:
    """Two on curve A, one on B, and one on C with identifiers that E-IMZO does not know."""

    def issue(name: str, **profile: Any) -> Identity:
        folder = credentials.folder / "more"
        return credentials.domain(name, folder=folder, **profile).identity

    return {
        "a.uz": issue("a.uz"),
        "a2.uz": issue("a2.uz"),
        "b.uz": issue("b.uz", curve=CRYPTOPRO_B),
        "c.uz": issue("c.uz", curve=CRYPTOPRO_C, family=FAMILY_2024),
    }


def test_the_certificate_is_that_of_the_destination_on_the_users_curve(
    credentials: Credentials, domains: dict[str, Identity]
) -> None:
    destinations = {"7": destination("7", "a2.uz", "b.uz", "c.uz"), "8": destination("8", "b.uz")}
    validator = ChainValidator([credentials.authority.root.leaf])
    settings = stp_settings(keys(domains), destinations, validator, modes=("cfb",), preferred=None)
    found = settings.domain_for(CRYPTOPRO_A, 7)
    assert found is not None
    assert (found.name, found.identity) == ("a2.uz", domains["a2.uz"])
    assert settings.domain_for(CRYPTOPRO_C, 7) is None  # of the other family
    assert settings.domain_for(CRYPTOPRO_A, 8) is None
    with pytest.raises(UnknownDestinationError):
        settings.domain_for(CRYPTOPRO_A, 9)


def test_the_modes(credentials: Credentials) -> None:
    validator = ChainValidator([credentials.authority.root.leaf])
    settings = stp_settings({}, {}, validator, modes=("gcfb", "sic"), preferred=None)
    assert settings.modes == {Mode.GCFB, Mode.SIC}


def test_the_preferred_domain_where_several_fit(
    credentials: Credentials, domains: dict[str, Identity], tmp_path: Path
) -> None:
    where = {"7": destination("7"), "8": destination("8", "a.uz"), "9": destination("9", "b.uz")}
    validator = ChainValidator([credentials.authority.root.leaf])
    settings = stp_settings(keys(domains), where, validator, modes=("cfb",), preferred="a2.uz")
    found = [settings.domain_for(CRYPTOPRO_A, number) for number in (7, 8, 9)]
    assert [one and one.name for one in found] == ["a2.uz", "a.uz", None]
    assert not list(stp_faults(keys(domains), where.values(), tmp_path, "a2.uz"))
    (fault, *_) = stp_faults(keys(domains), where.values(), tmp_path, "none.uz")
    assert fault.key == "tunnel.stp.domain"


def test_a_destination_that_refuses_stp(
    credentials: Credentials, domains: dict[str, Identity], tmp_path: Path
) -> None:
    where = {"7": replace(destination("7"), stp=False)}
    validator = ChainValidator([credentials.authority.root.leaf])
    settings = stp_settings(keys(domains), where, validator, modes=("cfb",), preferred=None)
    with pytest.raises(NotPermittedError) as caught:
        settings.domain_for(CRYPTOPRO_A, 7)
    assert caught.value.rule == "tunnel.destination.7.stp"
    assert not list(stp_faults(keys(domains), where.values(), tmp_path))


def test_a_choice_between_domains_is_a_fault(domains: dict[str, Identity], tmp_path: Path) -> None:
    where = [destination("7"), destination("8", "a.uz"), destination("name"), destination("256")]
    (fault,) = stp_faults(keys(domains), where, tmp_path)
    assert fault.key == "tunnel.destination.7.domains"
    assert "CryptoPro-A" in fault.message
    assert fault.message.endswith("a.uz, a2.uz")


def test_the_key_of_a_domain_on_the_users_curve(
    credentials: Credentials, domains: dict[str, Identity]
) -> None:
    both = {"a.uz": [domains["a.uz"], domains["b.uz"]]}
    validator = ChainValidator([credentials.authority.root.leaf])
    where = {"7": destination("7")}
    settings = stp_settings(both, where, validator, modes=("cfb",), preferred=None)
    for curve, identity in ((CRYPTOPRO_A, domains["a.uz"]), (CRYPTOPRO_B, domains["b.uz"])):
        found = settings.domain_for(curve, 7)
        assert found is not None
        assert found.identity is identity
    assert settings.domain_for(CRYPTOPRO_C, 7) is None


async def test_a_whole_tunnel(credentials: Credentials, tmp_path: Path) -> None:
    async with client(credentials, tmp_path) as made:
        channel, page = await made.tunnel()
        application = await made.accept()
        channel.write(UPGRADE)
        request = await head(application)
        assert b"X-EIMZO-PINFL: 10000000000001" in request
        assert b"X-EIMZO-Tunnel-Protocol: stp/1\r\n" in request
        await send(application, SWITCHED + b"birinchi")
        assert await page.received(len(SWITCHED) + 8) == SWITCHED + b"birinchi"
        channel.write(b"ikkinchi")
        assert await receive(application) == b"ikkinchi"
        channel.close()
        assert await receive(application) == b""
        application.close()
        line = await made.home.ended()
        assert line["event"] == "tunnel_closed"
        assert line["protocol"] == "stp"
        assert (line["domain"], line["dst_id"]) == (FIRST_DOMAIN, "7")


async def test_a_centre_that_is_not_in_the_truststore(
    credentials: Credentials, tmp_path: Path
) -> None:
    """The client shows its leaf alone; the folder of centres has the certificate between."""
    folder, root = tmp_path / "centres", tmp_path / "root.pem"
    folder.mkdir()
    root.write_bytes(to_pem([credentials.authority.root.leaf]))
    folders: dict[str, Any] = {"truststore_file": root, "intermediates_dir": folder}
    async with client(credentials, tmp_path, **folders) as made:
        with pytest.raises(AlertReceivedError, match="certificate_untrusted"):
            await made.tunnel()
        (folder / "centre.pem").write_bytes(to_pem(made.identity.chain[1:]))
        before = made.home.resources.material
        after = Material.load(made.home.config, before)
        assert after.validator is not before.validator
        assert Material.load(made.home.config, after).validator is after.validator
        made.home.resources = replace(made.home.resources, material=after)
        await made.tunnel()
        (await made.accept()).close()


async def test_the_applications_end(credentials: Credentials, tmp_path: Path) -> None:
    """The client gets the last bytes, and the connection stays until it has read them."""
    async with client(credentials, tmp_path) as made:
        channel, page = await made.tunnel()
        application = await made.accept()
        channel.write(UPGRADE)
        await head(application)
        await send(application, SWITCHED + b"the last bytes")
        began = asyncio.get_running_loop().time()
        application.close()
        await page.received(len(SWITCHED) + 14)
        await page.saw("lost")
        assert asyncio.get_running_loop().time() - began > 1.9
        line = await made.home.ended()
        assert (line["event"], line["reason"]) == ("tunnel_closed", "completed")
        await channel.wait_closed()


async def test_refusals_reach_the_client(credentials: Credentials, tmp_path: Path) -> None:
    async with client(credentials, tmp_path) as made:
        with pytest.raises(AlertReceivedError, match="unknown_destination"):
            await made.tunnel(dst_id=9)
        made.application.close()
        with pytest.raises(AlertReceivedError, match="destination_unreachable"):
            await made.tunnel()
        made.identity = credentials.citizen.identity  # on another curve
        with pytest.raises(AlertReceivedError, match="curve_not_served"):
            await made.tunnel()


async def test_where_stp_is_off(credentials: Credentials, tmp_path: Path) -> None:
    async with client(credentials, tmp_path, stp="no") as made:
        loop = asyncio.get_running_loop()
        with socket.socket() as plain:
            plain.setblocking(False)
            await loop.sock_connect(plain, (LOOPBACK, made.home.listener.port))
            await send(plain, recordings()["01-e-test-cfb"].client.wire[:100])
            assert await receive(plain) == b"\x02"
            assert await receive(plain) == b""
        line = await made.home.ended()
        assert line["reason"] == "unsupported_version"
        assert "tunnel.stp" in line["detail"]


async def test_a_limit_is_told_in_the_protocol_of_the_client(
    credentials: Credentials, tmp_path: Path
) -> None:
    """The number of message 2 comes from a gateway whose only place is taken."""
    async with client(credentials, tmp_path, limit=1) as made:
        loop = asyncio.get_running_loop()
        with socket.socket() as holder, socket.socket() as plain:
            for each in (holder, plain):
                each.setblocking(False)
            await loop.sock_connect(holder, (LOOPBACK, made.home.listener.port))
            await made.home.started.wait()
            # The bytes are there before the gateway takes the connection: this loop runs both.
            plain.setblocking(True)
            plain.connect((LOOPBACK, made.home.listener.port))
            plain.sendall(recordings()["01-e-test-cfb"].client.wire[:100])
            plain.setblocking(False)
            assert await receive(plain) == bytes((AlertCode.OVERLOADED,))
        await made.home.ended()
        (line,) = (line for line in made.home.lines() if line["reason"] == "overloaded")
        assert line["protocol"] == "stp"


async def test_our_own_protocol_beside_it(credentials: Credentials, tmp_path: Path) -> None:
    async with client(credentials, tmp_path) as made:
        tunnel, page = await made.home.client("7")
        application = await made.accept()
        tunnel.channel.write(
            UPGRADE.replace(b"\r\n\r\n", b"\r\nX-EIMZO-Tunnel-Protocol: stp/1\r\n\r\n")
        )
        assert b"Protocol" not in await head(application)
        await send(application, SWITCHED)
        assert await page.received(len(SWITCHED)) == SWITCHED
        application.close()


async def test_the_material_refuses_a_choice(credentials: Credentials, tmp_path: Path) -> None:
    servers = tmp_path / "servers"
    credentials.domain("x.uz", folder=servers)
    credentials.domain("y.uz", folder=servers)
    async with client(credentials, tmp_path) as made:
        config = replace(made.home.config, servers_dir=servers)
        with pytest.raises(ConfigError, match="must name one domain on CryptoPro-A"):
            Material.load(config)
        off = replace(config, stp=replace(config.stp, enabled=False))
        assert Material.load(off).domains.keys() == {"x.uz", "y.uz"}
