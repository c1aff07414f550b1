"""The REST service, as the backend of the demonstration's site calls it for a page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

MAX_BODY = 4 * 1024 * 1024
_SECONDS = 30  # for a request to arrive, and for the service to answer
_AT_ONCE = 8  # calls; more of them wait


class Service:
    """The REST service at ``address``."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._client: ClientSession

    async def run_client(self, _: web.Application) -> AsyncIterator[None]:
        """Keep the connections to the service while the server runs."""
        async with ClientSession(timeout=ClientTimeout(_SECONDS)) as self._client:
            yield

    async def pass_on(self, request: web.Request) -> web.Response:
        """Answer a page's request as the service answers it."""
        return as_it_came(*await self.call(request, request.path))

    async def call(
        self, request: web.Request, path: str, fields: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Call a method for the page that sent ``request``; return the HTTP code and the answer.

        The method gets ``fields`` as a form, or the body of the request as it came.
        """
        headers = {
            "Host": request.host,
            "X-Real-IP": request.remote or "",
            "Accept-Language": request.headers.get("Accept-Language", ""),
        }
        async with self._turns:
            if fields is None:
                headers["Content-Type"] = request.content_type
                body: bytes | dict[str, str] | None = await body_of(request) or None
            else:
                body = fields
            try:
                async with self._client.request(
                    request.method, self._address + path, data=body, headers=headers
                ) as response:
                    return response.status, await response.read()
            except (ClientError, TimeoutError):
                away = refusal("service_away", "the REST service does not answer", code=502)
                return 502, away


async def body_of(request: web.Request) -> bytes:
    """Return the body of a request, which must arrive in time."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


def verdict(code: int, body: bytes) -> tuple[int, dict[str, Any]]:
    """Return a method's answer; a refusal that came with HTTP 200 has 403 from here on."""
    answer: dict[str, Any] = json.loads(body)
    if answer["status"] != 1 and code == web.HTTPOk.status_code:
        code = web.HTTPForbidden.status_code
    return code, answer


def refusal(reason: str, message: str, *, code: int) -> bytes:
    """Return an answer in the form of the service's own."""
    return json.dumps({"status": -code, "message": message, "reason": reason}).encode()


def as_it_came(code: int, body: bytes) -> web.Response:
    """Return an answer of the service as the site's own."""
    return web.Response(status=code, body=body, content_type="application/json")
