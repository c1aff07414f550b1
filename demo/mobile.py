"""The backend's part of signatures by phone: sign-in, documents, the picture of a code.

The backend begins each of them itself and keeps the ``documentId`` for the browser that asked, in
a cookie of its own. A ``documentId`` has only 32 bits, and everybody who sees the QR code can read
it. If the session went to anyone who names it, a stranger could take the session of the user who
signed.
"""

from __future__ import annotations

import io
import re

import segno
from aiohttp import web
from backend import Backend
from cookies import Cookies
from phone import DevelopmentPhone
from service import Service, as_it_came, body_of, refusal, verdict

from tunnel_gateway.phone.code import HASH_START

_SECONDS = 10 * 60  # longer than the service keeps a documentId, as it is set in the demonstration
_CODE = re.compile(r"[0-9A-Fa-f]{84}")
_QUIET = 4  # modules of white around the code; cameras need them


class MobileBackend:
    """The handlers under ``/mobile/``."""

    def __init__(self, service: Service, backend: Backend, phone: DevelopmentPhone | None) -> None:
        self._service = service
        self._backend = backend
        self._phone = phone
        self._sign_ins: Cookies[str] = Cookies("mobile-sign-in", _SECONDS)
        self._documents: Cookies[str] = Cookies("mobile-document", _SECONDS)

    def routes(self) -> list[web.RouteDef]:
        """Return every path that is answered here."""
        return [
            web.post("/mobile/auth", self._begin_sign_in),
            web.post("/mobile/session", self._sign_in),
            web.post("/mobile/sign", self._begin_document),
            web.post("/mobile/document", self._verify),
            web.get("/mobile/qr/{code}", self._draw),
            *([web.post("/mobile/phone", self._play_phone)] if self._phone else []),
        ]

    async def _begin_sign_in(self, request: web.Request) -> web.Response:
        return await self._begin(request, "/frontend/mobile/auth", self._sign_ins)

    async def _begin_document(self, request: web.Request) -> web.Response:
        return await self._begin(request, "/frontend/mobile/sign", self._documents)

    async def _begin(self, request: web.Request, path: str, kept: Cookies[str]) -> web.Response:
        """Get a documentId and keep it for this browser."""
        code, body = await self._service.call(request, path)
        response = as_it_came(code, body)
        _, answer = verdict(code, body)
        if answer["status"] == 1:
            kept.begin(request, response, answer["documentId"])
        return response

    async def _sign_in(self, request: web.Request) -> web.Response:
        """The phone has signed the challenge that this browser has begun with."""
        document_id = self._sign_ins.value(request)
        if document_id is None:
            return _not_begun()
        path = f"/backend/mobile/authenticate/{document_id}"
        response = self._backend.begin_session(request, *await self._service.call(request, path))
        if response.status == web.HTTPOk.status_code:
            self._sign_ins.end(request, response)
        return response

    async def _verify(self, request: web.Request) -> web.Response:
        """The phone has signed the document, which the page sends in BASE64."""
        document_id = self._documents.value(request)
        if document_id is None:
            return _not_begun()
        document = (await body_of(request)).decode("ascii", "replace")
        fields = {"documentId": document_id, "document": document}
        return as_it_came(*await self._service.call(request, "/backend/mobile/verify", fields))

    async def _draw(self, request: web.Request) -> web.Response:
        """Return the QR code of a code that this browser has begun, as a picture.

        The picture of any other code would lend a stranger the name of this site: the stranger
        would send a link to the picture, and a user who scans it signs the stranger in.
        """
        code = _code(request.match_info["code"])
        begun = self._sign_ins.value(request), self._documents.value(request)
        if code[4:HASH_START].upper() not in begun:
            raise web.HTTPNotFound
        return web.Response(body=qr_code(code), content_type="image/svg+xml")

    async def _play_phone(self, request: web.Request) -> web.Response:
        """Sign with the development phone. Only a demonstration has this."""
        assert self._phone is not None  # noqa: S101 (there is no such path without it)
        fault = await self._phone.sign(_code((await body_of(request)).decode("latin-1")))
        if fault:
            return as_it_came(502, refusal("phone_failed", fault, code=502))
        return web.json_response({"status": 1})


def qr_code(code: str) -> bytes:
    """Return an SVG, black on white in every theme, as large as the page wants it."""
    picture = io.BytesIO()
    made = segno.make(code, error="m", micro=False)
    made.save(picture, kind="svg", border=_QUIET, dark="#000", light="#fff", omitsize=True)
    return picture.getvalue()


def _code(text: str) -> str:
    """Return ``text`` if it has the form of a code."""
    if not _CODE.fullmatch(text):
        raise web.HTTPNotFound
    return text


def _not_begun() -> web.Response:
    why = "this browser has not begun it, or too long ago"
    return as_it_came(403, refusal("not_begun", why, code=403))
