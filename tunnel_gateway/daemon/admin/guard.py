"""The rules for requests: which may ask for the state of a service, and which may change it.

The mode of a Unix socket decides who may ask there. A port of the loopback is open to every program
of the machine and, through the browsers on it, to pages of strangers. So on a port

* the Host must be the loopback's own: a page could have a name that points here,
* a request with an Origin is refused, because a page has sent it,
* nothing can be changed.

A request of HTTP/1.0 without a Host may ask: it does not come from a browser.
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
    """Let permitted requests through, and give each answer headers that keep pages out."""
    refusal = _refusal(request)
    try:
        if _head_size(request) > MAX_HEAD_SIZE:
            answer: web.StreamResponse = turned_away(431, _TOO_LARGE)
        elif refusal is not None:
            answer = turned_away(403, refusal)
        else:
            answer = await handler(request)
    except web.HTTPException as error:
        answer = web.Response(status=error.status, text=f"{error.reason}\n")
        if allowed := error.headers.get("Allow"):
            answer.headers["Allow"] = allowed
    answer.headers.update(_HEADERS)
    return answer


def turned_away(status: int, reason: str) -> web.Response:
    """Log why a request is refused, and return the answer, which closes the connection.

    The bytes after such a request may be a text that a page wrote into the request.
    """
    if (more := _few_lines.admit()) is not None:
        log.warning("admin_refused", status=status, detail=reason.strip(), **more)
    answer = web.Response(status=status, text=reason)
    answer.force_close()
    return answer


class AdminProtocol(web.RequestHandler):
    """The library's connection with our bounds, and our answers to unreadable requests."""

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
        """Answer a request that cannot be read. Any other error is a mistake of this program."""
        if not isinstance(exc, http_exceptions.HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        if isinstance(exc, http_exceptions.LineTooLong) or "Too many headers" in exc.message:
            answer = turned_away(431, _TOO_LARGE)
        else:
            answer = turned_away(400, "the request is not correct HTTP\n")
        answer.headers.update(_HEADERS)
        return answer


def _head_size(request: web.Request) -> int:
    lines = (len(name) + len(value) + _SEPARATORS for name, value in request.raw_headers)
    return len(request.raw_path) + sum(lines)


def _refusal(request: web.Request) -> str | None:
    """Return why a request is refused."""
    changes = request.method not in ("GET", "HEAD")
    if "Origin" in request.headers:
        return "pages may not ask here\n"
    if not _is_unix(request):
        hosts = request.headers.getall("Host", [])
        # HAProxy's health check sends HTTP/1.0 without a Host. Browsers never do.
        from_program = request.version < HttpVersion11 and not hosts
        if not (_is_local(hosts) or from_program):
            return "the Host must be the loopback's own: use http://127.0.0.1:PORT/\n"
        if changes:
            return "nothing can be changed here: use the Unix socket of tunnel.admin.listen\n"
    if changes and ACTION_HEADER not in request.headers:
        return f"the header {ACTION_HEADER} is missing\n"
    return None


def _is_unix(request: web.Request) -> bool:
    transport = request.transport
    # The address of a TCP socket is a tuple. A lost transport counts as TCP, which may do less.
    return transport is not None and isinstance(transport.get_extra_info("sockname"), str | bytes)


def _is_local(hosts: list[str]) -> bool:
    if len(hosts) != 1:
        return False
    name, colon, port = hosts[0].rpartition(":")
    if not colon or hosts[0].endswith("]"):
        name, port = hosts[0], "0"
    return name.lower() in _LOCAL_NAMES and port.isascii() and port.isdigit()
