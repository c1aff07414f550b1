"""create_tunnel: what it asks of keys and gateways, and how many there may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.house import House, house
from tests.support.loopback import LOOPBACK, TIME_LIMIT
from tests.support.pki import OFFICER
from tests.support.stp_home import client
from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.keys.questions import Purpose
from tunnel_gateway.agent.pages import tunnels
from tunnel_gateway.agent.pages.tunnels import Tunnels
from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import CallRefusedError
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator

PAGE = Caller("https://example.uz", "example.uz")


class Keys:
    """One key, and what it was asked for."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self.purposes: list[Purpose] = []

    async def identity(self, caller: Caller, key_id: str, *, purpose: Purpose) -> Identity:
        self.purposes.append(purpose)
        if key_id != "k":
            raise CallRefusedError("key_not_found", "no such key")
        return self._identity


@asynccontextmanager
async def made(home: House, *, trusting: bool = True) -> AsyncIterator[Tunnels]:
    credentials = home.credentials
    here = Address(LOOPBACK, home.listener.port)
    gateways = {"example.uz": here, "yana.uz": here, "boshqa.uz": here}
    validator = ChainValidator([credentials.authority.root.leaf]) if trusting else None
    running = Tunnels(gateways, validator, Keys(credentials.citizen.identity))
    try:
        async with asyncio.timeout(TIME_LIMIT):
            yield running
    finally:
        await running.close()


async def create(
    running: Tunnels, caller: Caller = PAGE, dst_id: str = "raw", key: str = "k"
) -> str:
    return str((await running.function()(caller, [dst_id, key]))["address"])


async def code(running: Tunnels, caller: Caller = PAGE, dst_id: str = "raw", key: str = "k") -> str:
    with pytest.raises(CallRefusedError) as caught:
        await create(running, caller, dst_id, key)
    assert str(caught.value)
    return caught.value.name


async def test_a_tunnel_and_its_end(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        async with made(home) as running:
            first, second = await asyncio.gather(create(running), create(running))
            assert first != second
            third = await running.function()(PAGE, ["raw", "k"])
            assert third["address"] == f"127.0.0.1:{third['port']}"
            assert third["host"] == "localhost"
            for _ in range(3):
                (await home.destination()).close()
        assert (await home.ended())["reason"] == "alert_received"
        with pytest.raises(CallRefusedError, match="stopping"):
            await create(running)


async def test_what_is_refused(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home, made(home) as running:
        assert await code(running, Caller("http://127.0.0.1", "127.0.0.1")) == "no_gateway"
        assert await code(running, Caller("https://yana.uz", "yana.uz")) == "unknown_domain"
        assert await code(running, key="x") == "key_not_found"
        assert await code(running, dst_id="") == "bad_destination"
        assert await code(running, dst_id="\ud800") == "bad_destination"
        assert await code(running, dst_id="\ud800" * 100) == "bad_destination"
        assert await code(running, dst_id="7") == "unknown_destination"


async def test_without_roots_there_is_no_tunnel(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home, made(home, trusting=False) as running:
        assert await code(running) == "no_truststore"


async def test_the_gateway_must_be_proven(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home, made(home) as running:
        running._validator = ChainValidator([credentials.new_authority().root.leaf])
        with pytest.raises(CallRefusedError, match="certificate is not accepted") as caught:
            await create(running)
        assert caught.value.name == "certificate_untrusted"


async def test_there_are_so_many_places(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnels, "MAX_WAITING", 2)
    async with house(credentials, tmp_path) as home, made(home) as running:
        answers = await asyncio.gather(*(create(running) for _ in range(3)), return_exceptions=True)
        (refused,) = [answer for answer in answers if isinstance(answer, CallRefusedError)]
        assert refused.name == "too_many_tunnels"
        for _ in range(2):
            (await home.destination()).close()


async def test_a_key_that_is_unloaded_meanwhile(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home, made(home) as running:
        wiped = credentials.user("wiped", OFFICER, days=30).identity
        wiped.private_key.wipe()
        running._identities = Keys(wiped)
        assert await code(running) == "key_not_found"


async def test_a_tunnel_by_stp(credentials: Credentials, tmp_path: Path) -> None:
    async with client(credentials, tmp_path) as stp:
        authority = stp.home.credentials.authority
        issuers = credentials.example.identity.chain[1:]
        running = Tunnels(
            {"example.uz": Address(LOOPBACK, stp.home.listener.port)},
            ChainValidator([authority.root.leaf, *issuers]),
            Keys(stp.identity),
            stp_domains=("example.uz",),
        )
        try:
            for wrong in ("api", "256", "-1", "٧"):
                assert await code(running, dst_id=wrong) == "bad_destination"
            assert await code(running, dst_id="9") == "unknown_destination"
            made = await running.function()(PAGE, ["7", "k"])
            assert made["address"] == f"127.0.0.1:{made['port']}"
            (await stp.accept()).close()
        finally:
            await running.close()


async def test_a_gateway_that_is_only_indirectly_trusted_by_stp(
    credentials: Credentials, tmp_path: Path
) -> None:
    async with client(credentials, tmp_path) as stp:
        running = Tunnels(
            {"example.uz": Address(LOOPBACK, stp.home.listener.port)},
            ChainValidator([stp.home.credentials.authority.root.leaf]),
            Keys(stp.identity),
            stp_domains=("example.uz",),
        )
        try:
            assert await code(running, dst_id="7") == "certificate_untrusted"
        finally:
            await running.close()


async def test_a_root_of_its_own_for_stp(credentials: Credentials, tmp_path: Path) -> None:
    async with client(credentials, tmp_path) as stp:
        issuers = ChainValidator([*credentials.example.identity.chain[1:]])
        running = Tunnels(
            {"example.uz": Address(LOOPBACK, stp.home.listener.port)},
            None,
            Keys(stp.identity),
            stp_domains=("example.uz",),
            stp_validator=issuers,
        )
        try:
            assert (await running.function()(PAGE, ["7", "k"]))["domain_certificates"]
            (await stp.accept()).close()
        finally:
            await running.close()
