"""The bounds of a fetch."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.support.loopback import LOOPBACK
from tests.support.revocation import site
from tunnel_gateway.errors import RevocationDataError
from tunnel_gateway.revocation import fetch as module
from tunnel_gateway.revocation.fetch import Fetcher
from tunnel_gateway.revocation.resting import AddressRestsError


async def test_what_is_there_and_what_is_too_much() -> None:
    async with site() as web:
        web.pages["/list"] = bytes(1000)
        web.pages["/echo"] = lambda body: body
        fetcher = Fetcher()
        assert await fetcher.fetch(web.url("/list"), limit=1000, seconds=5) == bytes(1000)
        assert await fetcher.fetch(web.url("/echo"), limit=9, seconds=5, body=b"savol") == b"savol"
        with pytest.raises(RevocationDataError, match="more than 999 bytes"):
            await fetcher.fetch(web.url("/list"), limit=999, seconds=5)
        with pytest.raises(RevocationDataError, match="404"):
            await fetcher.fetch(web.url("/nothing"), limit=9, seconds=5)
        await fetcher.close()


async def test_no_redirect_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site() as web:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        web.pages = {"/moved": b"", "/elsewhere": b"found"}
        fetcher = Fetcher()
        assert await fetcher.fetch(web.url("/elsewhere"), limit=9, seconds=5) == b"found"
        with pytest.raises(RevocationDataError, match="302"):
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
        with pytest.raises(RevocationDataError):
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
        with pytest.raises(RevocationDataError, match="too many"):
            await fetcher.fetch(web.url("/two"), limit=9, seconds=0.1)
        web.hold.set()
        assert await first == b"1"
        assert await fetcher.fetch(web.url("/two"), limit=9, seconds=5) == b"2"
        await fetcher.close()


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a..b/"])
async def test_an_address_that_is_none(url: str) -> None:
    fetcher = Fetcher()
    with pytest.raises(RevocationDataError):
        await fetcher.fetch(url, limit=9, seconds=1)
    await fetcher.close()
