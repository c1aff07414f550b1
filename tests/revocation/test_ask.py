"""Revocation over the network, in real handshakes: good, dead, slow and lying servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import Credentials
from tests.support.house import House, house
from tests.support.revocation import (
    HOUR,
    Reply,
    Site,
    entry,
    make_list,
    now,
    places,
    site,
    with_entries,
)
from tunnel_gateway.agent.handshake import Tunnel, open_tunnel
from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import AlertReceivedError
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.status.standing import Knowledge
from tunnel_gateway.revocation.cache import RevocationCache
from tunnel_gateway.revocation.standings import Statuses
from tunnel_gateway.revocation.status_sources import Terms


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site() as made:
        yield made


@pytest.fixture
def lists(tmp_path: Path, credentials: Credentials) -> Path:
    """The root's list; what the centre says comes over the network."""
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "root.crl").write_bytes(make_list(credentials.authority.root))
    return folder


def settings(lists: Path, **more: Any) -> dict[str, Any]:
    return {"revocation": "hard", "crl_dir": lists, "revocation_timeout": 1} | more


async def connect(home: House, credentials: Credentials, identity: Identity) -> Tunnel:
    address = Address("127.0.0.1", home.listener.port)
    wanted = credentials.settings(dst_id="raw", identity=identity)
    made = await open_tunnel(address, wanted, home.workers.steps())
    home.clients.append(made)
    return made


async def refused(home: House, credentials: Credentials, identity: Identity, code: str) -> None:
    with pytest.raises(AlertReceivedError, match=code):
        await connect(home, credentials, identity)


def user(credentials: Credentials, name: str, **where: str) -> Identity:
    return credentials.user(name, extensions=places(**where)).identity


async def test_a_list_serves_every_user_of_a_centre(
    credentials: Credentials, tmp_path: Path, lists: Path, web: Site
) -> None:
    good, bad = (user(credentials, name, crl=web.url("/centre.crl")) for name in ("good", "bad"))
    web.pages["/centre.crl"] = make_list(credentials.authority.centre, bad.leaf.serial)
    async with house(credentials, tmp_path, **settings(lists)) as home:
        await connect(home, credentials, good)
        await refused(home, credentials, bad, "certificate_revoked")
        await connect(home, credentials, good)
        assert web.asked == ["/centre.crl"]


async def test_entries_of_a_list_that_match_nobody_are_told(
    credentials: Credentials, tmp_path: Path, lists: Path, web: Site
) -> None:
    someone = user(credentials, "someone", crl=web.url("/centre.crl"))
    centre = credentials.authority.centre
    odd = entry(b"\x11" * 25)
    web.pages["/centre.crl"] = with_entries(centre, entry(b"\x05"), odd, at=now())
    async with house(credentials, tmp_path, **settings(lists)) as home:
        await connect(home, credentials, someone)
        (line,) = [one for one in home.lines() if one["event"] == "crl_entries_passed_over"]
        assert (line["entries"], line["about"]) == (1, centre.leaf.label)


@pytest.mark.parametrize("status", ["good", "revoked", "unknown"])
async def test_a_responder(
    status: str, credentials: Credentials, tmp_path: Path, lists: Path, web: Site
) -> None:
    someone = user(credentials, "someone", responder=web.url("/ocsp"))
    centre = credentials.authority.centre
    web.pages["/ocsp"] = Reply(centre, centre.leaf, status=status)
    async with house(credentials, tmp_path, **settings(lists)) as home:
        if status == "good":
            await connect(home, credentials, someone)
        else:
            code = {"revoked": "revoked", "unknown": "untrusted"}[status]
            await refused(home, credentials, someone, f"certificate_{code}")
        assert web.asked == ["/ocsp"]


@pytest.mark.parametrize("page", ["garbage", "oversize", "expired", "moved", "missing"])
async def test_a_list_of_no_use(
    page: str,
    credentials: Credentials,
    tmp_path: Path,
    lists: Path,
    web: Site,
) -> None:
    someone = user(credentials, "someone", crl=web.url(f"/{page}"))
    centre = credentials.authority.centre
    past = {"this_update": now() - 3 * HOUR, "next_update": now() - HOUR}
    pages = {
        "garbage": b"<html>",
        "oversize": bytes(33 * 1024 * 1024),
        "expired": make_list(centre, **past),
        "moved": b"",
    }
    web.pages = {f"/{name}": body for name, body in pages.items()}
    async with house(credentials, tmp_path, **settings(lists)) as home:
        await refused(home, credentials, someone, "certificate_untrusted")
        assert web.asked == [f"/{page}"]  # and not where it was sent to
        # A large list may come after the refusal.
        line = await home.logged("revocation_data_not_had")
        assert line["level"] == "warning"


async def test_a_dead_responder_costs_one_wait(
    credentials: Credentials, tmp_path: Path, lists: Path, web: Site
) -> None:
    web.hold = asyncio.Event()
    users = [user(credentials, f"user{n}", responder=web.url("/ocsp")) for n in range(3)]
    async with house(credentials, tmp_path, **settings(lists)) as home:
        await refused(home, credentials, users[0], "certificate_untrusted")
        # The fetch began a little after the user's wait, so it is given up a little later.
        await asyncio.sleep(1)
        for one in users:
            await refused(home, credentials, one, "certificate_untrusted")
        assert web.asked == ["/ocsp"]
        web.hold.set()


async def test_a_slow_answer_is_shared(
    credentials: Credentials, tmp_path: Path, lists: Path, web: Site
) -> None:
    web.hold = asyncio.Event()
    someone = user(credentials, "someone", crl=web.url("/centre.crl"))
    web.pages["/centre.crl"] = make_list(credentials.authority.centre)
    async with house(credentials, tmp_path, **settings(lists, revocation_timeout=10)) as home:
        waiting = [asyncio.create_task(connect(home, credentials, someone)) for _ in range(3)]
        await web.arrived.wait()
        web.hold.set()
        await asyncio.gather(*waiting)
        assert web.asked == ["/centre.crl"]


async def test_a_restart_remembers(
    credentials: Credentials, tmp_path: Path, lists: Path, web: Site
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    centre = credentials.authority.centre
    one = user(credentials, "one", responder=web.url("/ocsp"))
    two = user(credentials, "two", crl=web.url("/centre.crl"))
    web.pages = {"/ocsp": Reply(centre, centre.leaf), "/centre.crl": make_list(centre)}
    kept = settings(lists, revocation_cache_dir=cache)
    async with house(credentials, tmp_path, **kept) as home:
        await connect(home, credentials, one)
        await connect(home, credentials, two)
        await asyncio.gather(*home.revocation._inquiries._running)  # the files are written last
    assert len(list(cache.iterdir())) == 2
    asked = list(web.asked)
    async with house(credentials, tmp_path, **kept) as home:
        await connect(home, credentials, one)
        await connect(home, credentials, two)
    assert web.asked == asked


async def test_a_strangers_certificate_makes_no_request(
    credentials: Credentials, tmp_path: Path, lists: Path, web: Site
) -> None:
    where = places(crl=web.url("/crl"), responder=web.url("/ocsp"))
    other = credentials.new_authority()
    stranger = credentials.user("stranger", issuer=other, extensions=where).identity
    async with house(credentials, tmp_path, **settings(lists)) as home:
        await refused(home, credentials, stranger, "certificate_untrusted")
        await home.ended()
        assert web.asked == []


async def test_two_services_share_what_is_asked(
    credentials: Credentials, tmp_path: Path, lists: Path, web: Site
) -> None:
    """What one service has learned, the other knows; each leaves alone."""
    someone = user(credentials, "someone", responder=web.url("/ocsp"))
    centre = credentials.authority.centre
    web.pages["/ocsp"] = Reply(centre, centre.leaf)
    async with house(credentials, tmp_path, **settings(lists)) as home:
        statuses = Statuses(home.revocation._inquiries)
        statuses.configure(Terms(1.0, 600.0, RevocationCache(None), lists))
        tunnel = await connect(home, credentials, someone)
        peer = next(iter(home.revocation._watched.values()))
        first, second = await statuses.of(peer)
        assert (first.knowledge, second.knowledge) == (Knowledge.GOOD, Knowledge.GOOD)
        assert first.answer
        assert web.asked == ["/ocsp"]
        await statuses.close()
        web.pages["/ocsp"] = Reply(centre, centre.leaf, status="revoked")
        bad = user(credentials, "bad", responder=web.url("/ocsp"))
        await refused(home, credentials, bad, "certificate_revoked")
        tunnel.channel.close()
