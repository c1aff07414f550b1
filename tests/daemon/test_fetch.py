"""The bounds of a fetch."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from tests.support.garbage import cycles
from tests.support.https import serving, tls_contexts
from tests.support.loopback import LOOPBACK
from tests.support.revocation import site
from tunnel_gateway.daemon import fetch as module
from tunnel_gateway.daemon.fetch import Fetcher
from tunnel_gateway.daemon.resting import AddressRestsError, FetchError


async def test_what_is_there_and_what_is_too_much() -> None:
    async with site() as web:
        web.pages["/list"] = bytes(1000)
        web.pages["/echo"] = lambda body: body
        fetcher = Fetcher()
        assert await fetcher.fetch(web.url("/list"), limit=1000, seconds=5) == bytes(1000)
        posted = b"savol", "application/ocsp-request"
        assert await fetcher.fetch(web.url("/echo"), limit=9, seconds=5, post=posted) == b"savol"
        with pytest.raises(FetchError, match="more than 999 bytes"):
            await fetcher.fetch(web.url("/list"), limit=999, seconds=5)
        with pytest.raises(FetchError, match="404"):
            await fetcher.fetch(web.url("/nothing"), limit=9, seconds=5)
        await fetcher.close()


async def test_a_body_is_posted_under_its_media_type() -> None:
    types = []

    async def answer(request: web.Request) -> web.Response:
        types.append((request.method, request.headers["Content-Type"]))
        return web.Response(body=await request.read())

    async with serving(answer) as url:
        fetcher = Fetcher()
        posted = b"savol", "application/timestamp-query"
        assert await fetcher.fetch(url, limit=9, seconds=5, post=posted) == b"savol"
        assert types == [("POST", "application/timestamp-query")]
        await fetcher.close()


async def test_https_asks_for_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"javob")

    server_tls, client_tls = tls_contexts(tmp_path)
    async with serving(answer, tls=server_tls) as url:
        trusting, usual = Fetcher(client_tls), Fetcher()
        assert await trusting.fetch(url, limit=9, seconds=5) == b"javob"
        with pytest.raises(FetchError, match="certificate verify failed"):
            await usual.fetch(url, limit=9, seconds=5)
        await trusting.close()
        await usual.close()


@pytest.mark.parametrize(("status", "passing"), [(404, False), (500, True), (503, True)])
async def test_a_fault_that_may_pass(status: int, passing: bool) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with serving(answer) as url:
        fetcher = Fetcher()
        with pytest.raises(FetchError, match=str(status)) as caught:
            await fetcher.fetch(url, limit=9, seconds=5)
        assert caught.value.passing is passing
        await fetcher.close()


async def test_a_connection_has_a_time_of_its_own() -> None:
    """A full queue of connections that nobody accepts: the next one does not come about."""
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        fetcher = Fetcher()
        url = f"http://{LOOPBACK}:{server.getsockname()[1]}/"
        with pytest.raises(FetchError, match=r"no connection in 0\.2 s"):
            await fetcher.fetch(url, limit=9, seconds=30, connect_seconds=0.2)
        await fetcher.close()
        for one in waiting:
            one.close()


@pytest.mark.parametrize(
    ("host", "words"),
    [(LOOPBACK, "Connection refused"), ("[::1]", r"\w"), ("no-such-host.invalid", r"\w")],
)
async def test_a_failed_connection_is_told_in_words(host: str, words: str) -> None:
    """Without the library's own text, which speaks of TLS at http addresses too."""
    with socket.create_server((LOOPBACK, 0)) as closed:
        port = closed.getsockname()[1]
    fetcher = Fetcher()
    with pytest.raises(FetchError, match=f"/: no connection: {words}") as caught:
        await fetcher.fetch(f"http://{host}:{port}/", limit=9, seconds=20)
    await fetcher.close()
    for odd in ("ssl", "[Err", "("):
        assert odd not in str(caught.value)


async def test_no_redirect_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site() as web:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        web.pages = {"/moved": b"", "/elsewhere": b"found"}
        fetcher = Fetcher()
        assert await fetcher.fetch(web.url("/elsewhere"), limit=9, seconds=5) == b"found"
        with pytest.raises(FetchError, match="302"):
            await fetcher.fetch(web.url("/moved"), limit=9, seconds=5)
        assert web.asked == ["/elsewhere", "/moved"]
        await fetcher.close()


@pytest.mark.parametrize("how", ["silent", "closed"])
async def test_an_address_that_does_not_answer_is_left_alone(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        if how == "closed":
            server.close()
        url = f"http://{LOOPBACK}:{port}/"
        fetcher = Fetcher()
        with pytest.raises(FetchError):
            await fetcher.fetch(url, limit=9, seconds=0.2)
        with pytest.raises(AddressRestsError):
            await fetcher.fetch(url, limit=9, seconds=0.2)
        await fetcher.close()


async def test_too_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FETCHES", 1)
    async with site() as web:
        web.hold = asyncio.Event()
        web.pages = {"/one": b"1", "/two": b"2"}
        fetcher = Fetcher()
        first = asyncio.create_task(fetcher.fetch(web.url("/one"), limit=9, seconds=5))
        await asyncio.sleep(0)
        with pytest.raises(FetchError, match="too many"):
            await fetcher.fetch(web.url("/two"), limit=9, seconds=0.1)
        web.hold.set()
        assert await first == b"1"
        assert await fetcher.fetch(web.url("/two"), limit=9, seconds=5) == b"2"
        await fetcher.close()


async def test_no_failure_leaves_a_cycle() -> None:
    """Strangers can make a service fetch, so what a failure leaves must go at once."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=404 if request.path == "/404" else 200, body=b"long")

    with socket.create_server((LOOPBACK, 0)) as silent:
        closed = socket.create_server((LOOPBACK, 0))
        ports = [one.getsockname()[1] for one in (silent, closed)]
        closed.close()
        async with serving(answer) as url:
            urls = [f"{url}404", url, *(f"http://{LOOPBACK}:{port}/" for port in ports)]
            fetcher = Fetcher()

            async def fail() -> None:
                for one in urls:
                    fetcher.forget()
                    with suppress(FetchError):
                        await fetcher.fetch(one, limit=1, seconds=0.1)
                await asyncio.sleep(0.05)  # the library closes its sockets

            await fail()
            with cycles() as left:
                await fail()
            await fetcher.close()
    assert left == {}


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a..b/"])
async def test_an_address_that_is_none(url: str) -> None:
    fetcher = Fetcher()
    with pytest.raises(FetchError):
        await fetcher.fetch(url, limit=9, seconds=1)
    await fetcher.close()
