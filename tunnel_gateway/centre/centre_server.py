"""The HTTP server of a development authority: what a centre answers, at the paths of `Services`.

::

    POST /ocsp                       the status of certificates (RFC 6960, A.1)
    GET  /ocsp/BASE64                the same
    POST /tsa                        a time stamp (RFC 3161, 3.4)
    GET  /crl/centre.crl             the revocation list of an issuer (RFC 5280, 4.2.1.13)
    GET  /certificates/centre.cer    the certificate of an issuer (RFC 5280, 4.2.2.1)
    GET  /                           these addresses, for people
"""

from __future__ import annotations

import asyncio
import binascii
import errno
import socket
from base64 import b64decode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from tunnel_gateway.centre.centre import Centre, Reply
from tunnel_gateway.errors import CannotListenError, FileError
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.pki.responding import MAX_REQUEST_SIZE
from tunnel_gateway.pki.services import (
    HOST,
    OCSP_PATH,
    TSA_PATH,
    Services,
    certificate_path,
    list_path,
)
from tunnel_gateway.transport.streams.listener import bound_socket

log = get_logger(__name__)

WARNING: Final = "for development and tests: its keys protect nothing"

# A few programs under development. A connection above the limit closes the oldest one.
MAX_CONNECTIONS: Final = 64
# A whole request comes at once over the loopback.
_BODY_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 1.0
_BACKLOG: Final = 64
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_OCSP_ANSWER: Final = "application/ocsp-response"
_TSA_ANSWER: Final = "application/timestamp-reply"
_LIST: Final = "application/pkix-crl"
_CERTIFICATE: Final = "application/pkix-cert"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def listen(services: Services) -> socket.socket:
    """Listen at the address that the certificates name. Raises CannotListenError."""
    try:
        listening = bound_socket(HOST, services.port, shared=False)
        listening.listen(_BACKLOG)
    except OSError as error:
        text = f"{services.base}: {error.strerror}"
        if error.errno == errno.EADDRINUSE:
            text += (
                f"; `ss -ltnp sport = :{services.port}` tells what listens there. The certificates"
                " of the authority name this address; pki init --address takes another one"
            )
        raise CannotListenError(text) from None
    return listening


class CentreServer:
    """Answers for ``centre`` on a listening socket of the loopback, which it closes at its end."""

    def __init__(self, centre: Centre, listening: socket.socket) -> None:
        self._centre = centre
        self._socket = listening
        self._server: asyncio.Server | None = None
        application = web.Application(middlewares=[_guard], client_max_size=MAX_REQUEST_SIZE)
        application.add_routes(
            [
                web.get("/", self._overview),
                web.post(OCSP_PATH, self._ocsp),
                web.get(f"{OCSP_PATH}/{{request:.+}}", self._ocsp_by_get),
                web.post(TSA_PATH, self._tsa),
            ]
        )
        for issuer in centre.issuers:
            application.add_routes(
                [
                    web.get(list_path(issuer), self._list),
                    web.get(certificate_path(issuer), self._certificate),
                ]
            )
        self._runner = web.AppRunner(
            application, access_log=None, handle_signals=False, shutdown_timeout=_CLOSE_SECONDS
        )

    async def start(self) -> None:
        """Answer from now on."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, sock=self._socket)
        log.info("centre_listening", address=self._centre.services.base, detail=WARNING)

    async def close(self) -> None:
        """Stop answering."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()
        self._socket.close()

    def _protocol(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None  # noqa: S101 (start has set it up)
        for oldest in server.connections[: 1 - MAX_CONNECTIONS]:
            oldest.force_close()
        return server()

    # --- answers ---------------------------------------------------------------------------

    async def _overview(self, _: web.Request) -> web.Response:
        return web.Response(text=overview(self._centre))

    async def _ocsp(self, request: web.Request) -> web.Response:
        reply = self._centre.answer_status(await _body(request), _now())
        return _answer(request, reply, _OCSP_ANSWER)

    async def _ocsp_by_get(self, request: web.Request) -> web.Response:
        text = unquote(request.rel_url.raw_path.removeprefix(f"{OCSP_PATH}/"))
        try:
            data = b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            data = b""  # the responder says that it is malformed
        return _answer(request, self._centre.answer_status(data, _now()), _OCSP_ANSWER)

    async def _tsa(self, request: web.Request) -> web.Response:
        reply = self._centre.stamp(await _body(request), _now())
        return _answer(request, reply, _TSA_ANSWER)

    async def _list(self, request: web.Request) -> web.Response:
        return _answer(request, self._centre.list_of(_issuer(request), _now()), _LIST)

    async def _certificate(self, request: web.Request) -> web.Response:
        return _answer(request, self._centre.certificate_of(_issuer(request)), _CERTIFICATE)


def overview(centre: Centre) -> str:
    """Return what is answered, and where, for people."""
    services = centre.services
    rows = [
        ("POST", services.ocsp, "the status of a certificate (OCSP); also GET"),
        ("POST", services.tsa, "a time stamp"),
        *(("GET", services.list_of(name), "revoked certificates") for name in centre.issuers),
        *(("GET", services.certificate_of(name), "a certificate") for name in centre.issuers),
    ]
    lines = (f"{verb:<5} {url:<48} {what}\n" for verb, url, what in rows)
    return f"A development authority, {WARNING}.\n\n{''.join(lines)}"


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        answer = await handler(request)
    except web.HTTPException as error:
        text = f"{error.reason}; GET / shows the addresses\n"
        log.warning("centre_refused", path=request.path, status=error.status, detail=error.reason)
        answer = web.Response(status=error.status, text=text)
        if allowed := error.headers.get("Allow"):
            answer.headers["Allow"] = allowed
    except FileError as error:
        log.warning("centre_refused", path=request.path, status=503, detail=str(error))
        answer = web.Response(status=503, text=f"{error}\n")
    answer.headers.update(_HEADERS)
    return answer


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


def _answer(request: web.Request, reply: Reply, content_type: str) -> web.Response:
    log.info("centre_answered", path=request.path, detail=reply.said)
    return web.Response(body=reply.der, content_type=content_type)


def _issuer(request: web.Request) -> str:
    return request.path.rpartition("/")[2].partition(".")[0]


def _now() -> datetime:
    return datetime.now(UTC)
