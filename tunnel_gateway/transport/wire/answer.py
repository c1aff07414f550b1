"""An application's answer to the upgrade request: whether the WebSocket is open.

Bytes in, no socket and no clock. A server may send interim answers first (RFC 9110, section 15.2):
100 Continue, 102 Processing, 103 Early Hints. They have no body, decide nothing, and are passed
over until the final answer comes.
"""

from __future__ import annotations

import re
from typing import Final

from tunnel_gateway.errors import DestinationUnreachableError

HEAD_END: Final = b"\r\n\r\n"
SWITCHED: Final = (b"HTTP/1.1 101 ", b"HTTP/1.1 101\r")
INTERIM: Final = re.compile(rb"HTTP/1\.1 1(?!01)[0-9]{2}[ \r]")

# One every few seconds until the request is given up, and no more than another head.
MAX_INTERIM: Final = 32
MAX_INTERIM_SIZE: Final = 16384

_STATUS_SIZE: Final = len(SWITCHED[0])
# The start of an answer that may still become an interim one, or 101.
_UNDECIDED: Final = re.compile(rb"HTTP/1\.1 1[0-9]{0,2}")
_START: Final = b"HTTP/1.1 1"


class AnswerReader:
    """Tells from an answer's first bytes whether the server accepts the WebSocket."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._searched = 0
        self._interim = 0
        self._interim_size = 0

    @property
    def rest(self) -> bytes:
        """All bytes that have come in of the final answer, and those after it."""
        return bytes(self._data)

    def receive_data(self, data: bytes) -> bool | None:
        """Take the next bytes; None while they do not tell.

        Until this is True, no byte of the user may follow the request's head to the destination. A
        destination that does not answer 101 goes on reading HTTP, and the next bytes would be a
        second request that nobody checked, with identity headers that the user made up. Raises
        DestinationUnreachableError for more than MAX_INTERIM interim answers, or MAX_INTERIM_SIZE
        bytes of them.
        """
        self._data += data
        while INTERIM.match(self._data):
            end = self._data.find(HEAD_END, self._searched)
            size = len(self._data) if end < 0 else end + len(HEAD_END)
            if self._interim_size + size > MAX_INTERIM_SIZE or self._interim == MAX_INTERIM:
                raise DestinationUnreachableError(
                    "the destination sends interim answers (1xx) without end and no answer to the"
                    f" upgrade request: {MAX_INTERIM} with {MAX_INTERIM_SIZE} bytes are the limit"
                )
            if end < 0:
                self._searched = max(0, size - len(HEAD_END) + 1)
                return None
            self._interim += 1
            self._interim_size += size
            self._searched = 0
            del self._data[:size]
        return _switched(bytes(self._data[:_STATUS_SIZE]))


def _switched(status: bytes) -> bool | None:
    if len(status) < _STATUS_SIZE:
        return None if _START.startswith(status) or _UNDECIDED.fullmatch(status) else False
    return status in SWITCHED
