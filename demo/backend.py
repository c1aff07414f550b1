"""The backend of the demonstration's site: sign-in, sessions, and documents to verify.

It does what docs/for-backends.md asks of a backend. ``/session`` and ``/document`` call
``/backend/*`` of the REST service, which nobody else may call. The methods under ``/frontend/``
that the page needs are passed on as they come, as a proxy in front of a real site does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from cookies import Cookies
from service import Service, as_it_came, refusal, verdict

PASSED_ON = (
    ("GET", "/frontend/challenge"),
    ("POST", "/frontend/timestamp/pkcs7"),
    ("POST", "/frontend/pkcs7/join"),
    ("POST", "/frontend/mobile/status"),
)
_SESSION_SECONDS = 30 * 60
_READS = ("GET", "HEAD")


class Backend:
    """The site's own handlers, and its sessions."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._sessions: Cookies[dict[str, Any]] = Cookies("session", _SESSION_SECONDS)

    def routes(self) -> list[web.RouteDef]:
        """Return every path that the backend answers."""
        return [
            *(web.route(verb, path, self._service.pass_on) for verb, path in PASSED_ON),
            web.get("/session", self._who_is_it),
            web.post("/session", self._sign_in),
            web.delete("/session", self._sign_out),
            web.post("/document", self._verify),
        ]

    async def _verify(self, request: web.Request) -> web.Response:
        """The page shows all of the answer, so all of it goes there."""
        return as_it_came(*await self._service.call(request, "/backend/pkcs7/verify/attached"))

    async def _sign_in(self, request: web.Request) -> web.Response:
        """The page has sent the challenge as its user has signed it."""
        return self.begin_session(request, *await self._service.call(request, "/backend/auth"))

    def begin_session(self, request: web.Request, code: int, body: bytes) -> web.Response:
        """Start a session for the user whom the service's answer names, or pass its refusal on."""
        code, answer = verdict(code, body)
        if answer["status"] != 1:
            return as_it_came(code, body)
        user = user_of(answer["subjectCertificateInfo"])
        response = web.json_response({"status": 1, "user": user})
        self._sessions.begin(request, response, user)
        return response

    async def _who_is_it(self, request: web.Request) -> web.Response:
        return web.json_response({"status": 1, "user": self._sessions.value(request)})

    async def _sign_out(self, request: web.Request) -> web.Response:
        response = web.json_response({"status": 1, "user": None})
        self._sessions.end(request, response)
        return response


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
        return as_it_came(403, refusal("other_origin", f"only pages of {own} may do it", code=403))
    answer: web.StreamResponse = await handler(request)
    return answer
