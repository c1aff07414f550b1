"""Revoked users in real handshakes: refused before, and ended after, a tunnel is open."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.house import house
from tests.support.loopback import TIME_LIMIT
from tests.support.processes import write_config
from tests.support.revocation import make_list, now
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.errors import AlertReceivedError, ConfigError
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.revocation.watch import Revocation, Stoppable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "crl"
    found.mkdir()
    return found


def put(folder: Path, name: str, data: bytes) -> None:
    """As a careful cron job does."""
    draft = folder / f".{name}"
    draft.write_bytes(data)
    draft.replace(folder / name)


async def test_lists_in_a_folder(credentials: Credentials, tmp_path: Path, folder: Path) -> None:
    authority = credentials.authority
    serial = credentials.citizen.identity.leaf.serial
    put(folder, "root.crl", make_list(authority.root))
    put(folder, "centre.crl", make_list(authority.centre, serial))
    settings = {"revocation": "hard", "crl_dir": folder}
    async with house(credentials, tmp_path, **settings) as home:
        with pytest.raises(AlertReceivedError, match="certificate_revoked"):
            await home.client()
        line = await home.ended()
        assert (line["event"], line["reason"]) == ("tunnel_refused", "certificate_revoked")
        assert "was revoked on" in line["detail"]
        assert line["serial"] == f"{serial:x}"


async def test_a_good_user_in_hard_mode(
    credentials: Credentials, tmp_path: Path, folder: Path
) -> None:
    authority = credentials.authority
    put(folder, "root.crl", make_list(authority.root))
    put(folder, "centre.crl", make_list(authority.centre, 1, 2, 3))
    settings = {"revocation": "hard", "crl_dir": folder}
    async with house(credentials, tmp_path, **settings) as home:
        _, page = await home.client()
        assert page.calls == []


@pytest.mark.parametrize("mode", ["soft", "hard"])
async def test_a_status_that_cannot_be_had(
    mode: str, credentials: Credentials, tmp_path: Path
) -> None:
    async with house(credentials, tmp_path, revocation=mode) as home:
        if mode == "hard":
            with pytest.raises(AlertReceivedError, match="certificate_untrusted"):
                await home.client()
            assert "cannot be learned" in (await home.ended())["detail"]
        else:
            await home.client()
            (line,) = [one for one in home.lines() if one["event"] == "revocation_unknown"]
            assert line["level"] == "warning"


async def test_an_open_tunnel_of_a_user_revoked_meanwhile(
    credentials: Credentials, tmp_path: Path, folder: Path
) -> None:
    authority = credentials.authority
    put(folder, "root.crl", make_list(authority.root))
    put(folder, "centre.crl", make_list(authority.centre))
    settings = {"revocation": "hard", "crl_dir": folder, "revocation_recheck": 1}
    async with house(credentials, tmp_path, **settings) as home:
        _, page, destination = await home.open()
        serial = credentials.citizen.identity.leaf.serial
        put(folder, "centre.crl", make_list(authority.centre, serial))
        await page.saw("lost")
        assert "certificate_revoked" in str(page.error)
        destination.close()
        line = await home.ended()
        assert (line["event"], line["reason"]) == ("tunnel_closed", "certificate_revoked")
        assert [one["event"] for one in home.lines()] == ["tunnel_closed"]


def test_a_folder_that_nobody_would_look_into(
    credentials: Credentials, tmp_path: Path, folder: Path
) -> None:
    path = tmp_path / "config.properties"
    write_config(path, credentials, 1, {"raw": 2}, {"crl.dir": folder})
    with pytest.raises(ConfigError, match=r"tunnel.crl.dir: has no effect without"):
        load_configuration(path)


async def test_our_own_domain_is_revoked(
    credentials: Credentials, tmp_path: Path, folder: Path
) -> None:
    """Said once, and the domain is still served: its users refuse it themselves."""
    authority, identity = credentials.authority, credentials.example.identity
    put(folder, "centre.crl", make_list(authority.centre, identity.leaf.serial))
    put(folder, "root.crl", make_list(authority.root))
    settings = {"revocation": "hard", "crl_dir": folder, "revocation_recheck": 1}
    async with house(credentials, tmp_path, **settings) as home:
        chain = [one.der for one in identity.chain]
        validator = credentials.settings().validator
        peer = validator.verify_server(chain, now(), "example.uz")
        home.revocation.configure(home.config.revocation, {"example.uz": peer})
        async with asyncio.timeout(TIME_LIMIT):
            while not home.lines():  # noqa: ASYNC110 - a log has no event to wait for
                await asyncio.sleep(0.05)
        await home.client()
        (line,) = home.lines()
        assert (line["event"], line["domain"]) == ("domain_certificate_revoked", "example.uz")


async def test_off_asks_nothing(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        await home.client()
        assert home.revocation._work is None


async def test_switched_on_while_a_tunnel_is_open(
    credentials: Credentials, tmp_path: Path, folder: Path
) -> None:
    serial = credentials.citizen.identity.leaf.serial
    put(folder, "centre.crl", make_list(credentials.authority.centre, serial))
    put(folder, "root.crl", make_list(credentials.authority.root))
    async with house(credentials, tmp_path) as home:
        _, page, destination = await home.open()
        settings = replace(home.config.revocation, mode="hard", crl_dir=folder, recheck=1.0)
        home.revocation.configure(settings, {})
        await page.saw("lost")
        assert "certificate_revoked" in str(page.error)
        destination.close()
        await home.ended()


async def test_one_tunnel_that_cannot_be_looked_at_does_not_keep_the_others_open(
    credentials: Credentials,
    tmp_path: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = credentials.authority
    put(folder, "root.crl", make_list(authority.root))
    put(folder, "centre.crl", make_list(authority.centre))
    settings = {"revocation": "hard", "crl_dir": folder, "revocation_recheck": 1}
    async with house(credentials, tmp_path, **settings) as home:
        _, _, first = await home.open()
        _, page, second = await home.open()
        enforce, odd = Revocation._enforce_one, next(iter(home.sessions))

        def fail(self: Revocation, tunnel: Stoppable, peer: VerifiedPeer) -> None:
            if tunnel is odd:
                raise ValueError("nonsense")
            enforce(self, tunnel, peer)

        monkeypatch.setattr(Revocation, "_enforce_one", fail)
        serial = credentials.citizen.identity.leaf.serial
        put(folder, "centre.crl", make_list(authority.centre, serial))
        await page.saw("lost")
        assert "certificate_revoked" in str(page.error)
        assert {one["loop"] for one in home.lines() if one["event"] == "background_failed"} == {
            "revoked_tunnels"
        }
        first.close()
        second.close()
