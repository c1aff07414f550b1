"""STP at the gateway: who is shown which certificate, and whole tunnels of such a client."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.destination import SWITCHED
from tests.support.house import House, head, house
from tests.support.loopback import LOOPBACK, TIME_LIMIT, Witness, receive, send
from tests.support.peer import UPGRADE
from tests.support.stp_sessions import recordings
from tunnel_gateway.config.destinations import Destination, Rule
from tunnel_gateway.config.values import Address, Entry
from tunnel_gateway.errors import (
    AlertReceivedError,
    ConfigError,
    UnknownDestinationError,
)
from tunnel_gateway.gateway.material import Material
from tunnel_gateway.gateway.stp_domains import stp_faults, stp_settings
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.encoding.oids import FAMILY_2024
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.events import Opened
from tunnel_gateway.protocol.stp.stp_client import StpClientConnection, StpClientSettings
from tunnel_gateway.protocol.stp.stp_connection import StpSurroundings
from tunnel_gateway.protocol.stp.stp_constants import DEFAULT_MODES, Mode
from tunnel_gateway.transport.streams.stp_channel import StpChannel
from tunnel_gateway.transport.streams.stream import SocketStream


def destination(number: str, *domains: str) -> Destination:
    where = (Address("app", 80),)
    if not domains:
        return Destination(number, where)
    key, value = f"tunnel.destination.{number}.domains", ",".join(domains)
    entry = Entry(Path("x.properties"), 3, key, value)
    return Destination(number, where, domains=Rule("domain", frozenset(domains), entry))


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
    settings = stp_settings(domains, destinations, validator, repeatable=False)
    found = settings.domain_for(CRYPTOPRO_A, 7)
    assert found is not None
    assert (found.name, found.identity) == ("a2.uz", domains["a2.uz"])
    assert settings.domain_for(CRYPTOPRO_C, 7) is None  # of the other family
    assert settings.domain_for(CRYPTOPRO_A, 8) is None
    with pytest.raises(UnknownDestinationError):
        settings.domain_for(CRYPTOPRO_A, 9)


@pytest.mark.parametrize("repeatable", [False, True])
def test_the_modes(credentials: Credentials, repeatable: bool) -> None:
    validator = ChainValidator([credentials.authority.root.leaf])
    settings = stp_settings({}, {}, validator, repeatable=repeatable)
    assert settings.modes == (frozenset(Mode) if repeatable else DEFAULT_MODES)


def test_a_choice_between_domains_is_a_fault(domains: dict[str, Identity], tmp_path: Path) -> None:
    where = [destination("7"), destination("8", "a.uz"), destination("name"), destination("256")]
    (fault,) = stp_faults(domains, where, tmp_path)
    assert fault.key == "tunnel.destination.7.domains"
    assert "CryptoPro-A" in fault.message
    assert fault.message.endswith("a.uz, a2.uz")


@dataclass
class Client:
    """A client of STP, and the listening socket of the application."""

    home: House
    identity: Identity
    application: socket.socket

    async def tunnel(self, dst_id: int = 7) -> tuple[StpChannel, Witness]:
        """Make a tunnel; raises what the gateway says against it."""
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(SocketStream, LOOPBACK, self.home.listener.port)
        authority = self.home.credentials.authority
        issuers = self.home.credentials.example.identity.chain[1:]
        trusted = ChainValidator([authority.root.leaf, *issuers])
        settings = StpClientSettings(
            dst_id,
            self.identity,
            lambda der, at: trusted.verify_server([der], at, FIRST_DOMAIN),
        )
        surroundings = StpSurroundings(os.urandom, datetime.now(UTC), loop.time)
        channel = StpChannel(
            stream, StpClientConnection(settings, surroundings), self.home.workers.steps()
        )
        assert isinstance(await channel.handshake(), Opened)
        page = Witness()
        channel.open(page)
        return channel, page

    async def accept(self) -> socket.socket:
        """Take the application's next connection."""
        async with asyncio.timeout(TIME_LIMIT):
            plain, _ = await asyncio.get_running_loop().sock_accept(self.application)
        plain.setblocking(False)
        return plain


@asynccontextmanager
async def client(
    credentials: Credentials, tmp_path: Path, stp: str = "yes"
) -> AsyncIterator[Client]:
    """A gateway that speaks STP for destination 7, and a user on the curve of its domain."""
    citizen = credentials.user("on-curve-a", curve=CRYPTOPRO_A).identity
    truststore = tmp_path / "with-centres.pem"
    truststore.write_bytes(to_pem([credentials.authority.root.leaf, *citizen.chain[1:]]))
    with socket.create_server((LOOPBACK, 0)) as application:
        application.setblocking(False)
        port = application.getsockname()[1]
        settings = {
            "stp": stp,
            "truststore_file": truststore,
            "destination_7_host": LOOPBACK,
            "destination_7_port": port,
        }
        async with house(credentials, tmp_path, **settings) as home:
            yield Client(home, citizen, application)


async def test_a_whole_tunnel(credentials: Credentials, tmp_path: Path) -> None:
    async with client(credentials, tmp_path) as made:
        channel, page = await made.tunnel()
        application = await made.accept()
        channel.write(UPGRADE)
        request = await head(application)
        assert b"X-EIMZO-PINFL: 10000000000001" in request
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


async def test_our_own_protocol_beside_it(credentials: Credentials, tmp_path: Path) -> None:
    async with client(credentials, tmp_path) as made:
        tunnel, page = await made.home.client("7")
        application = await made.accept()
        tunnel.channel.write(UPGRADE)
        await head(application)
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
