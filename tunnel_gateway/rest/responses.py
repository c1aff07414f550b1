"""An answer as an HTTP response: its headers, and a large one piece by piece."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web
from multidict import CIMultiDict

from tunnel_gateway.rest.answers import Answer
from tunnel_gateway.rest.statuses import Reason

# Each piece of a large answer must be taken within this time.
SEND_SECONDS: Final = 30.0
# After so many seconds a client may try again.
_LATER: Final = "2"
_LATER_REASONS: Final = frozenset(
    {Reason.TOO_MANY_CALLS, Reason.OVERLOADED, Reason.STOPPING, Reason.CHALLENGES_AWAY}
)
_HEADERS: Final = CIMultiDict(
    {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Server": "tunnel-gateway",
    }
)


def headers_of(answer: Answer) -> CIMultiDict[str]:
    """Return the headers of an answer, without its length."""
    headers = _HEADERS.copy()
    headers["Content-Type"] = answer.content_type
    if answer.reason in _LATER_REASONS:
        headers["Retry-After"] = _LATER
    if answer.policy:
        headers["Content-Security-Policy"] = answer.policy
    return headers


def small_response(answer: Answer, *, close: bool) -> web.Response:
    """Return a response that is sent at once."""
    response = web.Response(
        body=b"".join(answer.pieces()), status=answer.code, headers=headers_of(answer)
    )
    if close:
        response.force_close()
    return response


async def send_large(
    request: web.BaseRequest, answer: Answer, *, close: bool
) -> web.StreamResponse:
    """Send an answer piece by piece. Raises ConnectionError if nobody takes it."""
    response = web.StreamResponse(status=answer.code, headers=headers_of(answer))
    response.content_length = answer.length
    if close:
        response.force_close()
    try:
        await _send(request, response, answer)
    except TimeoutError:
        pass  # raised below, without the frames of the sending
    else:
        return response
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("the client does not read its answer")


async def _send(request: web.BaseRequest, response: web.StreamResponse, answer: Answer) -> None:
    clock = asyncio.get_running_loop().time
    async with asyncio.timeout(SEND_SECONDS) as limit:
        await response.prepare(request)
        for piece in answer.pieces():
            await response.write(piece)
            limit.reschedule(clock() + SEND_SECONDS)
        await response.write_eof()
