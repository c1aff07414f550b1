"""Standings of proven paths, from real responders and lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import stamps
from tests.support.centre import running_centre
from tests.support.pki import authority, ders, stranger, user
from tests.support.revocation import HOUR, Reply, Site, make_list, now, places, site
from tunnel_gateway.errors import CertificateError
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.status.standing import Knowledge, Standing
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer
from tunnel_gateway.revocation import ask, standings
from tunnel_gateway.revocation.ask import Inquiries
from tunnel_gateway.revocation.cache import RevocationCache
from tunnel_gateway.revocation.standings import Statuses
from tunnel_gateway.revocation.status_sources import Terms

VALIDATOR = ChainValidator([authority().root.leaf])
NO_CACHE = RevocationCache(None)
CENTRE = authority().centre
TWO_SECONDS = timedelta(seconds=2)


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site() as made:
        made.pages["/root.crl"] = make_list(authority().root)
        made.pages["/ocsp"] = Reply(CENTRE, CENTRE.leaf)
        made.pages["/centre.crl"] = make_list(CENTRE)
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The root's list: what the centre says is what the tests are about."""
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "root.crl").write_bytes(make_list(authority().root))
    return lists


@asynccontextmanager
async def asking(
    folder: Path | None, inquiries: Inquiries | None = None, first: Any = "ocsp", **terms: Any
) -> AsyncIterator[Statuses]:
    settings: dict[str, Any] = {"timeout": 5.0, "recheck": 600.0, "cache": NO_CACHE}
    statuses = Statuses(inquiries)
    statuses.configure(Terms(folder=folder, **settings | terms), first=first)
    try:
        yield statuses
    finally:
        await statuses.close()


def someone(web: Site, *, crl: bool = False, ocsp: bool = True) -> Identity:
    where = places(
        crl=web.url("/centre.crl") if crl else None,
        responder=web.url("/ocsp") if ocsp else None,
    )
    return user(extensions=where)


def proven(identity: Identity) -> VerifiedPeer:
    return VALIDATOR.verify_signer(ders(identity), now())


async def leaf(statuses: Statuses, identity: Identity) -> Standing:
    return (await statuses.of(proven(identity)))[0]


async def test_a_serial_number_is_asked_at_the_addresses_of_the_terms(
    web: Site, folder: Path
) -> None:
    centre = VALIDATOR.verify_centre([CENTRE.leaf.der], now())
    serial = someone(web).leaf.serial
    web.pages["/ocsp"] = Reply(CENTRE, CENTRE.leaf)
    async with asking(folder, ocsp_urls=(web.url("/ocsp"),)) as statuses:
        standing = await statuses.of_serial(serial, centre)
        assert standing.knowledge is Knowledge.GOOD
        assert standing.answer is not None
        assert await statuses.of_serial(serial, centre) == standing
    assert web.asked == ["/ocsp"]
    async with asking(None) as statuses:
        standing = await statuses.of_serial(serial, centre)
        assert standing.knowledge is Knowledge.UNKNOWN
        assert "status.ocsp.url" in (standing.missing or "")


async def test_every_link_has_its_standing(web: Site, folder: Path) -> None:
    identity = someone(web)
    async with asking(folder) as statuses:
        first, second = await statuses.of(proven(identity))
    assert (first.knowledge, second.knowledge) == (Knowledge.GOOD, Knowledge.GOOD)
    assert first.answer is not None
    assert second.answer is None
    assert first.updated_at is not None
    assert first.next_update_at == first.updated_at + HOUR
    assert web.asked == ["/ocsp"]


async def test_several_paths_are_asked_at_once(web: Site, folder: Path) -> None:
    known, new = proven(someone(web)), proven(someone(web))
    async with asking(folder) as statuses:
        first = await statuses.of(known)
        assert await statuses.of_each((known, new)) == (first, await statuses.of(new))
        assert await statuses.of_each((new, known)) == (await statuses.of(new), first)
        assert await statuses.of_each(()) == ()
    assert web.asked == ["/ocsp", "/ocsp"]


async def test_a_revocation_has_its_facts_and_its_proof(web: Site, folder: Path) -> None:
    since = now() - timedelta(minutes=7)
    web.pages["/ocsp"] = Reply(CENTRE, CENTRE.leaf, status="revoked", this_update=since)
    async with asking(folder) as statuses:
        standing = await leaf(statuses, someone(web))
    assert (standing.knowledge, standing.reason) == (Knowledge.REVOKED, "keyCompromise")
    assert standing.revoked_at == since
    assert standing.answer


async def test_a_user_is_asked_about_at_the_responder_although_a_list_is_there(
    web: Site, folder: Path
) -> None:
    (folder / "centre.crl").write_bytes(make_list(CENTRE))
    async with asking(folder) as statuses:
        assert (await leaf(statuses, someone(web, crl=True))).answer
    assert web.asked == ["/ocsp"]


async def test_a_setting_asks_lists_first(web: Site, folder: Path) -> None:
    async with asking(folder, first="crl") as statuses:
        standing = await leaf(statuses, someone(web, crl=True))
        assert (standing.knowledge, standing.answer) == (Knowledge.GOOD, None)
        assert web.asked == ["/centre.crl"]
        # Only the responder is left for a certificate without a list.
        del web.pages["/centre.crl"]
        assert (await leaf(statuses, someone(web))).knowledge is Knowledge.GOOD


async def test_a_list_when_no_responder_answers(web: Site, folder: Path) -> None:
    del web.pages["/ocsp"]
    bad, good = someone(web, crl=True), someone(web, crl=True)
    web.pages["/centre.crl"] = make_list(CENTRE, bad.leaf.serial)
    async with asking(folder) as statuses:
        assert (await leaf(statuses, bad)).knowledge is Knowledge.REVOKED
        assert (await leaf(statuses, good)).knowledge is Knowledge.GOOD
        assert web.asked == ["/ocsp", "/centre.crl", "/ocsp"]


async def test_nobody_answers_and_nothing_is_raised(web: Site, folder: Path) -> None:
    web.hold = asyncio.Event()
    identities = [someone(web) for _ in range(3)]
    async with asking(folder, timeout=0.3) as statuses:
        started = asyncio.get_running_loop().time()
        first = await asyncio.gather(*(leaf(statuses, one) for one in identities))
        assert {one.knowledge for one in first} == {Knowledge.UNKNOWN}
        assert "cannot be learned now" in (first[0].missing or "")
        await asyncio.sleep(0.3)
        # The address rests: nobody waits for it again, and it is known what is wrong.
        asked = list(web.asked)
        for one in identities:
            assert (await leaf(statuses, one)).knowledge is Knowledge.UNKNOWN
        assert web.asked == asked
        assert asyncio.get_running_loop().time() - started < 5
        (fault,) = statuses.faults()
        assert web.url("/ocsp") in fault
        assert "status.ocsp.url" in fault
        web.hold.set()


async def test_a_certificate_without_addresses_names_the_keys_to_set(folder: Path) -> None:
    async with asking(None) as statuses:
        standing = await leaf(statuses, user())
        assert standing.knowledge is Knowledge.UNKNOWN
        assert "status.ocsp.url, status.crl.url or status.crl.dir" in (standing.missing or "")
    async with asking(folder) as statuses:
        standing = await leaf(statuses, user())
        assert f"no current list of {CENTRE.leaf.label} in {folder}" in (standing.missing or "")


async def test_a_responder_that_does_not_know_a_certificate(web: Site, folder: Path) -> None:
    web.pages["/ocsp"] = Reply(CENTRE, CENTRE.leaf, status="unknown")
    async with asking(folder) as statuses:
        standing = await leaf(statuses, someone(web))
        assert standing.knowledge is Knowledge.UNKNOWN
        assert "does not know" in (standing.missing or "")
        assert list(statuses.faults()) == []  # the source works


async def test_a_list_says_what_the_responder_does_not_know(web: Site, folder: Path) -> None:
    """RFC 6960, 2.2: after "unknown" another source may be asked."""
    web.pages["/ocsp"] = Reply(CENTRE, CENTRE.leaf, status="unknown")
    good, revoked = someone(web), someone(web)
    (folder / "centre.crl").write_bytes(make_list(CENTRE, revoked.leaf.serial))
    async with asking(folder) as statuses:
        assert (await leaf(statuses, good)).knowledge is Knowledge.GOOD
        standing = await leaf(statuses, revoked)
        assert standing.knowledge is Knowledge.REVOKED


async def test_settings_replace_the_addresses(web: Site, folder: Path) -> None:
    """Each address is tried until one gives what is asked for."""
    elsewhere = places(responder="http://127.0.0.1:1/", crl="http://127.0.0.1:1/")
    relays = (web.url("/dead"), web.url("/ocsp"))
    async with asking(folder, ocsp_urls=relays) as statuses:
        first, second = await statuses.of(proven(user(extensions=elsewhere)))
        assert (first.knowledge, second.knowledge) == (Knowledge.GOOD, Knowledge.GOOD)
        assert first.answer
    assert web.asked == ["/dead", "/ocsp"]
    lists = (web.url("/root.crl"), web.url("/centre.crl"))
    async with asking(folder, ocsp_urls=relays[:1], crl_urls=lists) as statuses:
        first, second = await statuses.of(proven(user(extensions=elsewhere)))
        assert (first.knowledge, second.knowledge) == (Knowledge.GOOD, Knowledge.GOOD)
        assert first.answer is None
    # The centre is not on its own list.
    assert web.asked[2:] == ["/dead", "/root.crl", "/centre.crl"]


async def test_an_answer_is_shared_and_kept_until_its_next_update(
    web: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ask._LEAST_SECONDS, "ocsp", 0.0)
    web.pages["/ocsp"] = Reply(CENTRE, CENTRE.leaf, this_update=now(), next_update=now() + HOUR)
    identity = someone(web)
    async with asking(folder) as statuses:
        many = await asyncio.gather(*(leaf(statuses, identity) for _ in range(20)))
        assert all(one.answer == many[0].answer for one in many)
        assert (await leaf(statuses, identity)) == many[0]
        assert web.asked == ["/ocsp"]
    soon = now() + TWO_SECONDS
    web.pages["/ocsp"] = Reply(CENTRE, CENTRE.leaf, this_update=now(), next_update=soon)
    async with asking(folder) as statuses:
        await leaf(statuses, identity)
        await asyncio.sleep(max(0.0, (soon - now()).total_seconds()) + 1.1)
        # No longer good without a newer answer, although the clocks may differ.
        web.pages["/ocsp"] = Reply(CENTRE, CENTRE.leaf, status="revoked", this_update=now())
        assert (await leaf(statuses, identity)).knowledge is Knowledge.REVOKED


async def test_it_is_asked_again_before_an_answer_expires(web: Site, folder: Path) -> None:
    """Half of its life is over: the caller has the old answer at once, and the next one the new."""
    identity = someone(web)
    short: dict[str, Any] = {"this_update": now(), "next_update": now() + timedelta(seconds=4)}
    web.pages["/ocsp"] = Reply(CENTRE, CENTRE.leaf, **short)
    async with asking(folder) as statuses:
        first = await leaf(statuses, identity)
        await asyncio.sleep(2.1)
        web.pages["/ocsp"] = Reply(CENTRE, CENTRE.leaf, this_update=now())
        assert (await leaf(statuses, identity)) == first
        await asyncio.gather(*statuses._inquiries._running)
        assert (await leaf(statuses, identity)) != first
        assert len(web.asked) == 2


async def test_a_whole_answer_that_was_forgotten_is_asked_for_again(
    web: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ask._LEAST_SECONDS, "ocsp", 0.0)
    monkeypatch.setattr(standings, "WHOLE_ANSWERS_SIZE", 600)
    one, two = someone(web), someone(web)
    async with asking(folder) as statuses:
        for identity in (one, two, one, two):
            assert (await leaf(statuses, identity)).answer
        assert statuses._store._whole_size <= 600
    assert len(web.asked) == 4


async def test_a_restart_has_the_whole_answer_too(web: Site, folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    identity = someone(web)
    async with asking(folder, cache=RevocationCache(kept)) as statuses:
        first = await leaf(statuses, identity)
        await asyncio.gather(*statuses._inquiries._running)  # the file is written last
    async with asking(folder, cache=RevocationCache(kept)) as statuses:
        assert await leaf(statuses, identity) == first
    assert web.asked == ["/ocsp"]


async def test_no_request_for_a_stranger(web: Site, folder: Path) -> None:
    identity = user(extensions=places(responder=web.url("/ocsp")), issuer=stranger())
    async with asking(folder):
        with pytest.raises(CertificateError):
            proven(identity)
    assert web.asked == []


async def test_the_time_stamp_authority_is_asked_about_like_a_user(web: Site, folder: Path) -> None:
    async with asking(folder) as statuses:
        tsa = stamps.stamper(extensions=places(responder=web.url("/ocsp")))
        peer = VALIDATOR.verify_time_stamp_authority(ders(tsa), now())
        assert (await statuses.of(peer))[0].answer


async def test_it_must_be_configured(web: Site) -> None:
    with pytest.raises(RuntimeError, match="not configured"):
        await Statuses().of(proven(someone(web)))


async def test_a_reload_and_the_end_in_the_middle_of_a_question(web: Site, folder: Path) -> None:
    web.hold = asyncio.Event()
    async with asking(folder) as statuses:
        waiting = asyncio.create_task(leaf(statuses, someone(web)))
        await web.arrived.wait()
        statuses.configure(Terms(5.0, 600.0, NO_CACHE, folder))
        web.hold.set()
        assert (await waiting).knowledge is Knowledge.GOOD
        web.hold = asyncio.Event()
        web.arrived.clear()
        waiting = asyncio.create_task(leaf(statuses, someone(web)))
        await web.arrived.wait()
    assert (await waiting).knowledge is Knowledge.UNKNOWN
    web.hold.set()


async def test_a_revocation_shows_when_the_recheck_has_passed(folder: Path) -> None:
    """At the development authority, whose answers live for a minute."""
    with running_centre() as centre:
        identity = centre.issue_user()
        peer = centre.validator().verify_signer(ders(identity), now())
        async with asking(None, recheck=1.0) as statuses:
            assert [one.knowledge for one in await statuses.of(peer)] == [Knowledge.GOOD] * 2
            centre.revoke(identity, "keyCompromise")
            await asyncio.sleep(1.0)
            revoked = (await statuses.of(peer))[0]
            assert (revoked.knowledge, revoked.reason) == (Knowledge.REVOKED, "keyCompromise")
            centre.stop()
            await asyncio.sleep(1.0)
            assert (await statuses.of(peer))[0] == revoked  # nobody answers, and it still holds
