"""The backend of the demonstration's site: sign-in, sessions, and documents to verify.

It does what docs/for-backends.md asks of a backend. ``/session`` and ``/document`` call
``/backend/*`` of the REST service, which nobody else may call. The methods under ``/frontend/``
that the page needs are passed on as they come, as a proxy in front of a real site does.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

MAX_BODY = 4 * 1024 * 1024
PASSED_ON = (
    ("GET", "/frontend/challenge"),
    ("POST", "/frontend/timestamp/pkcs7"),
    ("POST", "/frontend/pkcs7/join"),
)
COOKIE = "session"
_SECONDS = 30  # for a request to arrive, and for the service to answer
_AT_ONCE = 8  # calls; more of them wait
_MAX_SESSIONS = 100
_SESSION_SECONDS = 30 * 60
_READS = ("GET", "HEAD")


class Sessions:
    """The signed-in users by the random text in their cookies. A new one may end the oldest."""

    def __init__(self) -> None:
        self._users: dict[str, tuple[float, dict[str, Any]]] = {}

    def begin(self, user: dict[str, Any]) -> str:
        """Start a session of half an hour; return the text for the cookie."""
        if len(self._users) >= _MAX_SESSIONS:
            del self._users[next(iter(self._users))]
        token = secrets.token_urlsafe(32)
        self._users[token] = (time.monotonic() + _SESSION_SECONDS, user)
        return token

    def user(self, token: str) -> dict[str, Any] | None:
        """Return whose session it is, None if it is not one or its time is over."""
        end, user = self._users.get(token, (0.0, None))
        return user if time.monotonic() < end else None

    def end(self, token: str) -> None:
        """End a session, if there is one."""
        self._users.pop(token, None)


class Backend:
    """The site's own handlers; ``rest`` is the address of the REST service."""

    def __init__(self, rest: str) -> None:
        self._rest = rest
        self._sessions = Sessions()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._client: ClientSession

    def routes(self) -> list[web.RouteDef]:
        """Return every path that the backend answers."""
        return [
            *(web.route(verb, path, self._pass_on) for verb, path in PASSED_ON),
            web.get("/session", self._who_is_it),
            web.post("/session", self._sign_in),
            web.delete("/session", self._sign_out),
            web.post("/document", self._verify),
        ]

    async def run_client(self, _: web.Application) -> AsyncIterator[None]:
        """Keep the connections to the service while the server runs."""
        async with ClientSession(timeout=ClientTimeout(_SECONDS)) as self._client:
            yield

    async def _pass_on(self, request: web.Request) -> web.Response:
        return _as_it_came(*await self._call(request, request.path))

    async def _verify(self, request: web.Request) -> web.Response:
        """The page shows all of the answer, so all of it goes there."""
        return _as_it_came(*await self._call(request, "/backend/pkcs7/verify/attached"))

    async def _sign_in(self, request: web.Request) -> web.Response:
        """The page has sent the challenge as its user has signed it."""
        code, body = await self._call(request, "/backend/auth")
        answer = json.loads(body)
        if answer["status"] != 1:
            return _as_it_came(web.HTTPForbidden.status_code if code == 200 else code, body)
        user = user_of(answer["subjectCertificateInfo"])
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = web.json_response({"status": 1, "user": user})
        response.set_cookie(
            COOKIE,
            self._sessions.begin(user),
            max_age=_SESSION_SECONDS,
            httponly=True,
            samesite="Strict",
            secure=request.secure,
        )
        return response

    async def _who_is_it(self, request: web.Request) -> web.Response:
        user = self._sessions.user(request.cookies.get(COOKIE, ""))
        return web.json_response({"status": 1, "user": user})

    async def _sign_out(self, request: web.Request) -> web.Response:
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = web.json_response({"status": 1, "user": None})
        response.del_cookie(COOKIE)
        return response

    async def _call(self, request: web.Request, path: str) -> tuple[int, bytes]:
        """Call a method with the body of ``request``; return the HTTP code and the answer."""
        headers = {
            "Host": request.host,
            "X-Real-IP": request.remote or "",
            "Accept-Language": request.headers.get("Accept-Language", ""),
            "Content-Type": "text/plain",
        }
        async with self._places:
            try:
                async with asyncio.timeout(_SECONDS):
                    body = await request.read()
            except TimeoutError:
                raise web.HTTPRequestTimeout from None
            try:
                async with self._client.request(
                    request.method, self._rest + path, data=body or None, headers=headers
                ) as response:
                    return response.status, await response.read()
            except (ClientError, TimeoutError):
                away = refusal("service_away", "the REST service does not answer", code=502)
                return 502, away


def user_of(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the site keeps of ``subjectCertificateInfo``; None for what it lacks."""
    name = certificate["subjectName"]
    return {
        "name": name.get("CN"),
        "pinfl": name.get("1.2.860.3.16.1.2"),
        "inn": name.get("1.2.860.3.16.1.1"),
        "organisation": name.get("O"),
        "serialNumber": certificate["serialNumber"],
        "validFromUtc": certificate["validFromUtc"],
        "validToUtc": certificate["validToUtc"],
    }


@web.middleware
async def own_page_only(request: web.Request, handler: Any) -> web.StreamResponse:
    """Let only pages of this site change anything: others could sign their user in as somebody."""
    own = f"{request.scheme}://{request.host}"
    if request.method not in _READS and request.headers.get("Origin") != own:
        return _as_it_came(403, refusal("other_origin", f"only pages of {own} may do it", code=403))
    answer: web.StreamResponse = await handler(request)
    return answer


def refusal(reason: str, message: str, *, code: int) -> bytes:
    """Return an answer in the form of the REST service's own."""
    return json.dumps({"status": -code, "message": message, "reason": reason}).encode()


def _as_it_came(code: int, body: bytes) -> web.Response:
    return web.Response(status=code, body=body, content_type="application/json")
