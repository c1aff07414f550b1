"""Servers that the gateway asks: do they answer, and what time do they say?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.clock import compare_with_peer
from tunnel_gateway.doctor.observation import Observation

MAX_ADDRESSES: Final = 16
_SECONDS: Final = 5.0
_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": "tunnel-gateway"}


async def check_addresses(urls: Sequence[str]) -> AsyncIterator[Observation]:
    """Yield an observation for each address, and one of the clock for each server that answers.

    Any answer counts, also a refusal: a responder may refuse a GET. Only the status and the Date of
    an answer are read.
    """
    if not urls:
        yield texts.NO_ADDRESSES.seen("http")
        return
    times: dict[str, Observation] = {}
    # As the gateway asks: without proxies, redirects and cookies.
    connector = aiohttp.TCPConnector(limit=MAX_ADDRESSES, force_close=True)
    async with aiohttp.ClientSession(
        connector=connector,
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=_SECONDS),
    ) as session:
        answers = await asyncio.gather(*(_ask(session, url) for url in urls[:MAX_ADDRESSES]))
    for url, (observation, now, theirs) in zip(urls, answers, strict=False):
        yield observation
        if theirs is not None:
            host = urlsplit(url).netloc
            times.setdefault(host, compare_with_peer(host, now, theirs))
    for observation in times.values():
        yield observation


async def _ask(
    session: aiohttp.ClientSession, url: str
) -> tuple[Observation, datetime, datetime | None]:
    """Return what is seen at an address, our time at the answer, and theirs if they say it."""
    try:
        async with session.get(url, allow_redirects=False) as response:
            now = datetime.now(UTC)
            seen = texts.ADDRESS_ANSWERS.seen(url, status=response.status)
            return seen, now, _time(response.headers.get("Date", ""))
    except TimeoutError:
        fault = f"no answer in {_SECONDS:g} s"
    except aiohttp.ClientConnectorError as error:
        number = error.os_error.errno or 0
        fault = os.strerror(number) if number > 0 else str(error.os_error.strerror or error)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        fault = str(error) or type(error).__name__
    return texts.ADDRESS_SILENT.seen(url, fault=fault), datetime.now(UTC), None


def _time(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
