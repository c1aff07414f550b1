"""The opening of the WebSocket: the page's request and the application's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tunnel_gateway.errors import DestinationUnreachableError, NotWebSocketError, TruncatedError
from tunnel_gateway.gateway.request import check_origin, forwarded_request, identity_headers
from tunnel_gateway.protocol.events import ClientAuthenticated
from tunnel_gateway.transport.streams.inbox import Inbox
from tunnel_gateway.transport.streams.stream import SocketStream
from tunnel_gateway.transport.wire.answer import AnswerReader
from tunnel_gateway.transport.wire.upgrade import UpgradeReader, UpgradeRequest

# A destination that refuses the WebSocket may explain itself to the page, within bounds.
_REFUSAL_BYTES: Final = 64 * 1024
REFUSAL_SECONDS: Final = 2.0

Connect = Callable[[], Awaitable[SocketStream]]


async def pass_request(
    page: Inbox,
    client: ClientAuthenticated,
    socket: SocketStream,
    connect: Connect,
    *,
    host: str,
    client_host: str,
    time_limit: float,
    http_pages: bool,
    stp: bool = False,
) -> SocketStream:
    """Read the page's request and send it to the application with the identity headers.

    ``host`` is the Host that the application reads, ``client_host`` the user's address. The whole
    request must come within ``time_limit`` seconds. ``stp`` tells the application that the tunnel
    is one of STP.

    Returns the application's socket. If ``socket`` is no longer silent, it is a new one from
    ``connect``: a page may take longer than an application waits for a request. Raises
    NotWebSocketError, NotPermittedError (the origin), TimedOutError.
    """
    request = await _read_request(page, time_limit)
    check_origin(request, client.server_name, http_pages=http_pages)
    # Nothing was asked yet. An answer is "408 Request Timeout" at best, and its end will follow.
    if not socket.inbox.silent:
        socket.close()
        socket = await connect()
    identity = identity_headers(client.peer, client.tunnel_id, stp=stp)
    socket.write(forwarded_request(request, host, identity, client_host))
    return socket


async def _read_request(page: Inbox, time_limit: float) -> UpgradeRequest:
    reader = UpgradeReader()
    with page.within(time_limit, f"no upgrade request came in {time_limit:g} s"):
        while data := await page.receive():
            if request := reader.receive_data(data):
                page.unread(reader.rest)
                return request
    raise NotWebSocketError("the client closed before its upgrade request was complete")


async def accepted(answers: Inbox, page: Inbox, *, time_limit: float) -> bool:
    """Tell whether the application accepts. Until then no byte of the page may follow.

    The final answer stays in ``answers``; interim answers are dropped. Raises
    DestinationUnreachableError, TimedOutError after ``time_limit`` seconds, and the error that
    ended the page's side if that comes first.
    """
    reader = AnswerReader()
    fault = f"the destination did not answer the upgrade in {time_limit:g} s"
    with answers.within(time_limit, fault):
        while data := await _receive_answer(answers, page):
            if (switched := reader.receive_data(data)) is not None:
                answers.unread(reader.rest)
                return switched
    raise DestinationUnreachableError(
        "the destination closed without an answer to the upgrade request"
    )


async def pass_refusal(answers: Inbox, page: Inbox, write: Callable[[bytes], object]) -> bool:
    """Pass the application's refusal to the page, bounded in size and time.

    Returns whether the page got everything that came in time.
    """
    left = _REFUSAL_BYTES
    try:
        async with asyncio.timeout(REFUSAL_SECONDS):
            while data := await _receive_answer(answers, page):
                write(data[:left])
                left -= len(data)
                if left < 0:
                    return False
    except TimeoutError:
        pass  # the application keeps its connection open after the answer, which is complete
    except (DestinationUnreachableError, TruncatedError):
        return False  # the application broke off, or the page has left
    return True


async def _receive_answer(answers: Inbox, page: Inbox) -> bytes:
    """Return the destination's next bytes. Raises the page's error if the page ends first."""
    await answers.wait(page.lost)
    page.check()
    try:
        return await answers.receive()
    except OSError as error:
        raise DestinationUnreachableError(
            f"the destination broke off before its answer was complete: {error.strerror}"
        ) from None
