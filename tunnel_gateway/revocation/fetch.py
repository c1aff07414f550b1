"""Fetching revocation data over http, from addresses in the certificates of trusted centres.

The data are signed, so it does not matter which server they come from. This module bounds what a
slow, broken or hostile server can cost: time, size, and the number of fetches at once.
"""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp

from tunnel_gateway.errors import RevocationDataError
from tunnel_gateway.revocation.resting import RestingAddresses

# Addresses come from certificates, so the number of connections out of them must be bounded.
MAX_FETCHES: Final = 16

_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": "tunnel-gateway"}


class Fetcher:
    """An http client without redirects, proxies, cookies or compression. Make it in the loop."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(MAX_FETCHES)
        self._resting = RestingAddresses()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_FETCHES, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            auto_decompress=False,
            trust_env=False,
        )

    async def fetch(
        self, url: str, *, limit: int, seconds: float, body: bytes | None = None
    ) -> bytes:
        """Return what is at ``url``, at most ``limit`` bytes, in at most ``seconds``.

        With a ``body``, an OCSP request, it is posted. Raises RevocationDataError.
        """
        self._resting.refuse(url)
        queued = True
        try:
            async with asyncio.timeout(seconds), self._places:
                queued = False
                self._resting.refuse(url)
                return await self._fetch(url, limit, body)
        except TimeoutError:
            if queued:
                raise RevocationDataError(f"{url}: too many fetches at once") from None
            self._resting.add(url)
            raise RevocationDataError(f"{url}: no whole answer in {seconds:g} s") from None
        except (aiohttp.ClientConnectionError, OSError) as error:
            self._resting.add(url)
            raise RevocationDataError(f"{url}: {_reason(error)}") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise RevocationDataError(f"{url}: {_reason(error)}") from error

    async def _fetch(self, url: str, limit: int, body: bytes | None) -> bytes:
        method = "GET" if body is None else "POST"
        headers = {} if body is None else {"Content-Type": "application/ocsp-request"}
        async with self._session.request(
            method, url, data=body, headers=headers, allow_redirects=False
        ) as response:
            if response.status != 200:
                raise RevocationDataError(f"{url}: the server answers {response.status}")
            body = bytearray()
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > limit:
                    raise RevocationDataError(f"{url}: more than {limit} bytes, which is the limit")
            return bytes(body)

    async def close(self) -> None:
        """Break off what is being fetched."""
        await self._session.close()


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
