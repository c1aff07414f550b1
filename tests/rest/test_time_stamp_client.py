"""The client of a time stamp authority, with real servers: honest, dead, slow and lying ones."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.support import stamps
from tests.support.https import serving, tls_contexts
from tests.support.loopback import LOOPBACK
from tests.support.pki import authority, stranger
from tests.support.revocation import make_list, now
from tunnel_gateway.cms.judging import judge_time_stamp
from tunnel_gateway.cms.stamping import answer_request
from tunnel_gateway.cms.time_stamp import (
    MAX_ANSWER_SIZE,
    AuthorityRefusedError,
)
from tunnel_gateway.errors import TimeStampError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding.oids import FAMILY_2009, FAMILY_2024
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.rest.time_stamp_client import (
    AuthorityAwayError,
    AuthorityNotSetError,
    TimeStampClient,
    TimeStampTerms,
    WrongAnswerError,
)
from tunnel_gateway.revocation.cache import RevocationCache
from tunnel_gateway.revocation.standings import Statuses
from tunnel_gateway.revocation.status_sources import Terms

IMPRINT = digest(bytes(range(64)))
VALIDATOR = ChainValidator([authority().root.leaf])


def stamped(request: bytes, identity: Identity | None = None) -> bytes:
    return answer_request(
        request,
        identity or stamps.usual(),
        policy=stamps.POLICY,
        time=now(),
        entropy=os.urandom,
    )


class Server:
    """An authority; each answer is made by the next of ``answers``, and the last one stays."""

    def __init__(self, *answers: Callable[[bytes], bytes | int]) -> None:
        self.asked = 0
        self._answers = answers or (stamped,)

    async def answer(self, request: web.Request) -> web.Response:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        assert request.headers["Content-Type"] == "application/timestamp-query"
        made = answer(await request.read())
        if isinstance(made, int):
            return web.Response(status=made)
        return web.Response(body=made, content_type="application/timestamp-reply")


@asynccontextmanager
async def client(
    url: str | None, statuses: Statuses | None = None, **terms: Any
) -> AsyncIterator[TimeStampClient]:
    with ThreadPoolExecutor(1) as executor:
        made = TimeStampClient(TimeStampTerms(url, **terms), VALIDATOR, executor, statuses)
        try:
            yield made
        finally:
            await made.close()


@pytest.mark.parametrize("family", [FAMILY_2009, FAMILY_2024], ids=["2009", "2024"])
async def test_a_token_that_others_accept(family: Any) -> None:
    server = Server()
    async with serving(server.answer) as url, client(url) as asking:
        token = await asking.stamp(IMPRINT, family)
        verdict = judge_time_stamp(token, IMPRINT, VALIDATOR, now())
        assert verdict.fault is None
        assert verdict.stamp is not None
        assert verdict.stamp.hash_algorithm == family.digest_oid
        assert list(asking.faults()) == []
    assert server.asked == 1


async def test_https(tmp_path: Path) -> None:
    server_tls, client_tls = tls_contexts(tmp_path)
    async with serving(Server().answer, tls=server_tls) as url:
        async with client(url, tls=client_tls) as asking:
            assert await asking.stamp(IMPRINT, FAMILY_2009)
        async with client(url) as asking:
            with pytest.raises(AuthorityAwayError, match="certificate verify failed"):
                await asking.stamp(IMPRINT, FAMILY_2009)


async def test_no_authority_is_set() -> None:
    async with client(None) as asking:
        with pytest.raises(AuthorityNotSetError, match=r"tsp\.url is not set"):
            await asking.stamp(IMPRINT, FAMILY_2009)
        (fault,) = asking.faults()
        assert "tsp.url" in fault


async def test_a_short_fault_is_healed_by_one_more_attempt() -> None:
    server = Server(lambda _: 503, stamped)
    async with serving(server.answer) as url, client(url) as asking:
        assert await asking.stamp(IMPRINT, FAMILY_2009)
        assert list(asking.faults()) == []
    assert server.asked == 2


async def test_a_lasting_fault_is_told_after_two_attempts() -> None:
    server = Server(lambda _: 503)
    async with serving(server.answer) as url, client(url) as asking:
        with pytest.raises(AuthorityAwayError, match="the server answers 503"):
            await asking.stamp(IMPRINT, FAMILY_2009)
        assert server.asked == 2
        (fault,) = asking.faults()
        assert "503" in fault
        assert "tsp.url" in fault


async def test_a_fault_that_stays_is_not_asked_twice() -> None:
    server = Server(lambda _: 404)
    async with serving(server.answer) as url, client(url) as asking:
        with pytest.raises(AuthorityAwayError, match="404"):
            await asking.stamp(IMPRINT, FAMILY_2009)
    assert server.asked == 1


async def test_a_connection_that_breaks_off_is_made_again() -> None:
    count = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal count
        count += 1
        if count == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(body=stamped(await request.read()))

    async with serving(answer) as url, client(url) as asking:
        assert await asking.stamp(IMPRINT, FAMILY_2009)
    assert count == 2


@pytest.mark.parametrize("how", ["silent", "closed"])
async def test_nobody_answers(how: str) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        url = f"http://{LOOPBACK}:{silent.getsockname()[1]}/"
        if how == "closed":
            silent.close()
        async with client(url, seconds=0.2) as asking:
            with pytest.raises(AuthorityAwayError, match=r"no whole answer|[Cc]onnect"):
                await asking.stamp(IMPRINT, FAMILY_2009)
            # For a while nobody has to wait for it again.
            with pytest.raises(AuthorityAwayError, match="a moment ago"):
                await asking.stamp(IMPRINT, FAMILY_2009)


async def test_the_authority_refuses_and_says_why() -> None:
    server = Server(lambda _: stamped(b"nonsense"))
    async with serving(server.answer) as url, client(url) as asking:
        with pytest.raises(AuthorityRefusedError, match="bad_data_format"):
            await asking.stamp(IMPRINT, FAMILY_2009)
        assert list(asking.faults())
    assert server.asked == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: b"<html>", "^the answer of the time stamp authority is a web page"),
        (lambda _: bytes(MAX_ANSWER_SIZE + 1), "limit"),
        (lambda request: stamped(request)[:-1], "^the answer of the time stamp authority: malfo"),
        (lambda request: stamped(request, stamps.stamper(stranger())), "trust"),
        (
            lambda request: stamped(
                request, stamps.stamper(extended_key_usage=frozenset({"clientAuth"}))
            ),
            "time",
        ),
    ],
    ids=["a page", "too large", "cut", "an unknown authority", "not for stamping"],
)
async def test_wrong_answers(answer: Callable[[bytes], bytes], said: str) -> None:
    server = Server(answer)
    async with serving(server.answer) as url, client(url) as asking:
        with pytest.raises(TimeStampError, match=said) as caught:
            await asking.stamp(IMPRINT, FAMILY_2009)
        assert isinstance(caught.value, AuthorityAwayError if said == "limit" else WrongAnswerError)
    assert server.asked == 1


async def test_an_answer_to_another_request() -> None:
    kept: list[bytes] = []

    def replayed(request: bytes) -> bytes:
        kept.append(stamped(request))
        return kept[0]

    async with serving(Server(replayed).answer) as url, client(url) as asking:
        await asking.stamp(IMPRINT, FAMILY_2009)
        with pytest.raises(WrongAnswerError, match="other nonce"):
            await asking.stamp(IMPRINT, FAMILY_2009)
        with pytest.raises(WrongAnswerError, match="another signature"):
            await asking.stamp(digest(bytes(64)), FAMILY_2009)


async def test_no_stamp_of_a_revoked_authority_is_given_out(tmp_path: Path) -> None:
    serial = stamps.usual().leaf.serial
    (tmp_path / "root.crl").write_bytes(make_list(authority().root))
    (tmp_path / "centre.crl").write_bytes(make_list(authority().centre, serial))
    statuses = Statuses()
    statuses.configure(Terms(5.0, 600.0, RevocationCache(None), tmp_path))
    async with serving(Server().answer) as url, client(url, statuses) as asking:
        with pytest.raises(WrongAnswerError, match="was revoked"):
            await asking.stamp(IMPRINT, FAMILY_2009)
    await statuses.close()
    # A status that nobody knows does not stop the stamps.
    statuses = Statuses()
    statuses.configure(Terms(5.0, 600.0, RevocationCache(None)))
    async with serving(Server().answer) as url, client(url, statuses) as asking:
        assert await asking.stamp(IMPRINT, FAMILY_2009)
    await statuses.close()
