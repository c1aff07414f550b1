"""The page's side of a tunnel: a socket that ends with a close frame, as a WebSocket does."""

from __future__ import annotations

from typing import Final

from websockets.frames import CloseCode

from tunnel_gateway.dataplane.joining import PageSide
from tunnel_gateway.errors import AlertReceivedError, TruncatedError
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.transport.streams.relay import RelayEnd
from tunnel_gateway.transport.streams.stream import SocketStream
from tunnel_gateway.transport.wire.websocket_frames import FrameTracker, close_frame

# After these reasons the page can connect again. All other reasons are errors (RFC 6455, 7.4.1).
_GOING_AWAY: Final = frozenset({"shutting_down", "closed_by_operator", "timed_out", "idle_timeout"})
_CLOSE: Final = close_frame(
    CloseCode.INTERNAL_ERROR,
    "destination_ended: the application closed the connection without a close frame",
)

# The HTTP answer to the page's WebSocket for each alert of a gateway that refuses it.
_STATUS: Final = {
    "not_permitted": "403 Forbidden",
    "not_websocket": "400 Bad Request",
    "request_too_large": "431 Request Header Fields Too Large",
    "timed_out": "504 Gateway Timeout",
    "overloaded": "503 Service Unavailable",
    "rate_limited": "429 Too Many Requests",
    "too_many_tunnels": "429 Too Many Requests",
    "destination_busy": "503 Service Unavailable",
    "shutting_down": "503 Service Unavailable",
    "closed_by_operator": "503 Service Unavailable",
}


class PageStream(SocketStream):
    """A page's socket. It carries an answer to the upgrade request, and then frames.

    If the other side ends without closing the WebSocket, this adds a close frame with the reason.
    So the page need not guess. In the middle of a frame this is not possible: then the connection
    just ends, which a page sees as code 1006.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tracker = FrameTracker()

    def write(self, data: Buffer) -> None:
        """Send ``data``; never blocks, see Observer.pause_writing. A lost stream drops the data."""
        self._tracker.receive_data(data)
        super().write(data)

    def write_eof(self) -> None:
        """End our direction after all data so far; without a close frame so far, add one."""
        if self._may_close:
            self.write(_CLOSE)
        super().write_eof()

    def farewell(self, end: RelayEnd) -> bytes:
        """Return bytes that tell the page why its tunnel ended, if that is still possible."""
        return last_words(end, self._tracker.started, self._may_close)

    @property
    def _may_close(self) -> bool:
        return self._tracker.between_frames and not self._tracker.close_seen


def last_words(end: RelayEnd, started: bool, may_close: bool) -> bytes:
    """Return bytes that tell a page why its tunnel ended, if that is still possible.

    ``started``: the page was told something before; ``may_close``: a close frame may follow that.
    """
    if not started:
        return refusal(end)
    if not may_close or end.error is None:
        return b""
    error = end.error
    if isinstance(error, AlertReceivedError):
        name, text = error.name, error.text
    elif isinstance(error, OSError | TruncatedError):
        name, text = "gateway_lost", "the connection to the gateway broke off"
    else:
        name, text = end.reason, str(error)
    code = CloseCode.GOING_AWAY if name in _GOING_AWAY else CloseCode.INTERNAL_ERROR
    return close_frame(code, f"{name}: {text}")


# The same for a page whose bytes the data plane carries.
PAGE_SIDE: Final = PageSide(_CLOSE, last_words)


def refusal(end: RelayEnd) -> bytes:
    """Return the HTTP answer that tells a page why its WebSocket was refused."""
    error = end.error
    name = error.name if isinstance(error, AlertReceivedError) else end.reason
    text = f"{name}: {error}\n" if error else f"{name}\n"
    body = text.encode()
    status = _STATUS.get(name, "502 Bad Gateway")
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
