"""Connections of HTTP/1.1 to one server, each with one call at a time."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from typing import Final, cast

VERIFY: Final = "/backend/pkcs7/verify/attached"
CHALLENGE: Final = "/frontend/challenge"
STATUS: Final = "/frontend/mobile/status"

_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\nContent-length: *(\d+)", re.IGNORECASE)
_OK: Final = b"HTTP/1.1 200 "
# A verification counts only if the service found the message valid. This stands near the end.
_GOOD: Final = b'"status":1'
# The page asks and the phone has not signed yet.
_WAITING: Final = b'"status":2'
_POLL: Final = f"POST {STATUS}".encode()
_TAIL: Final = 256


class WrongAnswerError(Exception):
    """An answer is not the one of a good call; the text has its beginning."""


def get(path: str) -> bytes:
    """Return a request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """Return a request with a body."""
    return head_of_post(path, len(body)) + body


def head_of_post(path: str, length: int) -> bytes:
    """Return the head of a request with a body of so many bytes."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    return head.encode()


class AnswerReader:
    """Takes the bytes of one answer to ``request``, and knows when it is complete."""

    def __init__(self, request: bytes = b"") -> None:
        self._good = _WAITING if request.startswith(_POLL) else _GOOD
        self._data = bytearray()
        self._length: int | None = None  # of the whole answer, once its head is there

    def feed(self, data: bytes | memoryview) -> bool:
        """Take more bytes and tell whether the answer is complete.

        Raises WrongAnswerError if it is complete and not the answer to a good call.
        """
        self._data += data
        if self._length is None:
            self._read_head()
        if self._length is None or len(self._data) < self._length:
            return False
        if not self._data.startswith(_OK) or self._data.find(self._good, -_TAIL) < 0:
            raise WrongAnswerError(bytes(self._data[:400]).decode(errors="replace"))
        return True

    def _read_head(self) -> None:
        end = self._data.find(_END_OF_HEAD)
        if end < 0:
            return
        length = _LENGTH.search(self._data, 0, end)
        if length is None:
            raise WrongAnswerError("an answer without Content-Length")
        self._length = end + len(_END_OF_HEAD) + int(length[1])


class Connection(asyncio.Protocol):
    """Sends requests, one at a time; calls ``answered`` when an answer or a fault is there."""

    def __init__(self, answered: Callable[[Connection], None]) -> None:
        self.due = 0.0  # when the request under way had to be sent
        self.fault: Exception | None = None
        self._answered = answered
        self._transport: asyncio.Transport
        self._reader: AnswerReader | None = None  # while a call is under way

    def call(self, request: bytes, due: float) -> None:
        """Send a request; the call before has been answered."""
        self.due = due
        self._reader = AnswerReader(request)
        self._transport.write(request)

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    # --- asyncio.Protocol ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send small requests at once."""
        self._transport = cast("asyncio.Transport", transport)
        tcp = transport.get_extra_info("socket")
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer."""
        if self._reader is None:
            return
        try:
            if not self._reader.feed(data):
                return
        except WrongAnswerError as error:
            self.fault = error
        self._reader = None
        self._answered(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of a connection in the middle of a call as a fault."""
        if self._reader is not None:
            self._reader = None
            self.fault = exc or ConnectionError("the server closed in the middle of a call")
            self._answered(self)
