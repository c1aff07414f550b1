"""Asking other servers over http: for revocation lists, OCSP answers and time stamps.

The data are signed, so it does not matter which server they come from. This module bounds what a
slow, broken or hostile server can cost: time, size, and the number of fetches at once.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import Final

import aiohttp

from tunnel_gateway.daemon.resting import FetchError, RestingAddresses
from tunnel_gateway.kept_errors import let_go

# Addresses come from certificates, so the number of connections out of them must be bounded.
MAX_FETCHES: Final = 16

_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": "tunnel-gateway"}
_SERVER_FAULT: Final = 500


class Fetcher:
    """An http client without redirects, proxies, cookies or compression. Make it in the loop.

    ``tls`` checks the servers of https addresses; without it, the system's authorities do.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._places = asyncio.Semaphore(MAX_FETCHES)
        self._resting = RestingAddresses()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=MAX_FETCHES, force_close=True, ssl=True if tls is None else tls
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            auto_decompress=False,
            trust_env=False,
        )

    async def fetch(
        self,
        url: str,
        *,
        limit: int,
        seconds: float,
        connect_seconds: float | None = None,
        post: tuple[bytes, str] | None = None,
    ) -> bytes:
        """Return what is at ``url``, at most ``limit`` bytes, in at most ``seconds``.

        The connection must stand within ``connect_seconds``, if that is given. ``post`` is a body
        to be posted and its media type. Raises FetchError; AddressRestsError if the address failed
        a moment ago.
        """
        self._resting.refuse(url)
        queued = True
        try:
            async with asyncio.timeout(seconds), self._places:
                queued = False
                self._resting.refuse(url)
                data = await self._fetch(url, limit, connect_seconds, post)
        except aiohttp.ConnectionTimeoutError:
            self._resting.add(url)
            raise FetchError(
                f"{url}: no connection in {connect_seconds:g} s", passing=True
            ) from None
        except TimeoutError:
            if queued:
                raise FetchError(f"{url}: too many fetches at once", passing=True) from None
            self._resting.add(url)
            raise FetchError(f"{url}: no whole answer in {seconds:g} s", passing=True) from None
        except (aiohttp.ClientConnectionError, OSError) as error:
            self._resting.add(url)
            raise FetchError(f"{url}: {_reason(error)}", passing=True) from None
        except (aiohttp.ClientError, ValueError) as error:
            raise FetchError(f"{url}: {_reason(error)}") from None
        self._resting.discard(url)
        return data

    async def _fetch(
        self, url: str, limit: int, connect_seconds: float | None, post: tuple[bytes, str] | None
    ) -> bytes:
        method, body, headers = "GET", None, {}
        if post is not None:
            method, body, headers = "POST", post[0], {"Content-Type": post[1]}
        async with self._session.request(
            method,
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
        ) as response:
            if response.status != 200:
                raise FetchError(
                    f"{url}: the server answers {response.status}",
                    passing=response.status >= _SERVER_FAULT,
                )
            received = bytearray()
            async for piece in response.content.iter_any():
                received += piece
                if len(received) > limit:
                    raise FetchError(f"{url}: more than {limit} bytes, which is the limit")
            return bytes(received)

    def forget(self) -> None:
        """Ask again at every address, also at one that failed a moment ago."""
        self._resting.clear()

    async def close(self) -> None:
        """Break off what is being fetched."""
        await self._session.close()


def _reason(error: Exception) -> str:
    """Return the text of an error of the library, and break the cycle of it and its frames."""
    let_go(error)
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(
        error, aiohttp.ClientSSLError
    ):
        return f"no connection: {_words(error.os_error)}"
    return str(error) or type(error).__name__


def _words(fault: OSError) -> str:
    # The numbers of a name that cannot be resolved are negative, and not the system's.
    if fault.errno is not None and fault.errno > 0:
        return os.strerror(fault.errno)
    return fault.strerror or str(fault)
