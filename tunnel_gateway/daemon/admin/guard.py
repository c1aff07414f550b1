"""Who may ask the gateway for its state, and who may change something.

A Unix socket is asked by whom its mode lets in. A port of the loopback is open to every program of
the machine and, through the browsers on it, to pages of strangers: so there the Host must be the
address itself (or a name that was made to point here would make such a page one of ours), what
carries an Origin is refused, and nothing can be changed. Who speaks HTTP/1.0 without a Host is no
browser, and may ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import HttpVersion11, http_exceptions, web

from tunnel_gateway.daemon.admin.conventions import ACTION_HEADER, SERVER
from tunnel_gateway.observability.few_lines import FewLines
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.wire.upgrade import MAX_HEAD_SIZE

log = get_logger(__name__)

_LOCAL_NAMES: Final = frozenset({"127.0.0.1", "[::1]", "localhost"})
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none';"
    " base-uri 'none'; form-action 'none'",
    "Server": SERVER,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_TOO_LARGE: Final = f"the head of the request is longer than {MAX_HEAD_SIZE} bytes\n"
_SEPARATORS: Final = 4  # a colon, a space and a line's end
_few_lines: Final = FewLines()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through who may ask, and give each answer the headers that keep pages out of it."""
    refusal = _refusal(request)
    try:
        if _head_size(request) > MAX_HEAD_SIZE:
            answer: web.StreamResponse = turned_away(431, _TOO_LARGE)
        elif refusal is not None:
            answer = turned_away(403, refusal)
        else:
            answer = await handler(request)
    except web.HTTPException as error:
        answer = web.Response(status=error.status, text=f"{error.reason}\n", headers=_allow(error))
    answer.headers.update(_HEADERS)
    return answer


def turned_away(status: int, reason: str) -> web.Response:
    """Return the last answer of its connection, to a request that is refused, and write why.

    What follows such a request might be no request, but what a page wrote into one.
    """
    if (more := _few_lines.admit()) is not None:
        log.warning("admin_refused", status=status, detail=reason.strip(), **more)
    answer = web.Response(status=status, text=reason)
    answer.force_close()
    return answer


class AdminProtocol(web.RequestHandler):
    """The library's connection, with our bounds, and our answers to what it cannot read."""

    def __init__(self, server: web.Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # as the library's runner says it
            # A browser sends the cookies of all programs on 127.0.0.1 in one line.
            max_line_size=MAX_HEAD_SIZE,
            max_field_size=MAX_HEAD_SIZE,
        )

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that cannot be read; anything else is a fault of ours."""
        if not isinstance(exc, http_exceptions.HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        if isinstance(exc, http_exceptions.LineTooLong) or "Too many headers" in exc.message:
            answer = turned_away(431, _TOO_LARGE)
        else:
            answer = turned_away(400, "the request is not HTTP as it must be\n")
        answer.headers.update(_HEADERS)
        return answer


def _head_size(request: web.Request) -> int:
    lines = (len(name) + len(value) + _SEPARATORS for name, value in request.raw_headers)
    return len(request.raw_path) + sum(lines)


def _allow(error: web.HTTPException) -> dict[str, str]:
    return {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}


def _refusal(request: web.Request) -> str | None:
    """Return why a request is refused."""
    changes = request.method not in ("GET", "HEAD")
    if "Origin" in request.headers:
        return "pages may not ask here\n"
    if not _is_unix(request):
        if not (_is_local(request.headers.getall("Host", [])) or _is_old(request)):
            return "the Host must be the loopback's own: use http://127.0.0.1:PORT/\n"
        if changes:
            return "nothing can be changed here: use the Unix socket of tunnel.admin.listen\n"
    if changes and ACTION_HEADER not in request.headers:
        return f"the header {ACTION_HEADER} is missing\n"
    return None


def _is_unix(request: web.Request) -> bool:
    transport = request.transport
    # A TCP address is a tuple, and so a transport that is lost counts as one.
    return transport is not None and isinstance(transport.get_extra_info("sockname"), str | bytes)


def _is_old(request: web.Request) -> bool:
    """Whether it is of HTTP/1.0 and has no Host, as of HAProxy's health check and of no browser."""
    return request.version < HttpVersion11 and "Host" not in request.headers


def _is_local(hosts: list[str]) -> bool:
    if len(hosts) != 1:
        return False
    name, colon, port = hosts[0].rpartition(":")
    if not colon or hosts[0].endswith("]"):
        name, port = hosts[0], "0"
    return name.lower() in _LOCAL_NAMES and port.isascii() and port.isdigit()
