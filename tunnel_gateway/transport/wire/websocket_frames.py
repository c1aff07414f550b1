"""The beginnings of the frames of a WebSocket, on a stream whose bytes pass unchanged.

The agent can end such a stream with a close frame of its own, but only between two frames. Only the
headers are read (RFC 6455, section 5.2). Payloads are neither copied nor read, so compression makes
no difference.
"""

from __future__ import annotations

from typing import Final

from websockets.frames import Close, Frame, Opcode

from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.transport.wire.answer import HEAD_END, INTERIM, SWITCHED

# No server writes a longer answer to an upgrade; browsers give up at 256 KiB.
_MAX_HEAD: Final = 64 * 1024

_OPCODE: Final = 0x0F
_MASKED: Final = 0x80
_LENGTH: Final = 0x7F
# How many bytes of length follow the second byte of a header, for lengths that say so.
_LENGTH_BYTES: Final = {126: 2, 127: 8}

_MAX_REASON: Final = 123  # RFC 6455, 5.5: a control frame carries 125 bytes, two for the code


class FrameTracker:
    """Follows what a server says to a page: the answer to the upgrade, then frames."""

    def __init__(self) -> None:
        self.started = False  # whether the server said anything
        self.close_seen = False  # whether a close frame has begun
        self._head = bytearray()  # of the answer, and of interim ones before it
        self._start = 0  # of the answer in there
        self._answered = False
        self._header = bytearray()  # of the frame that is about to begin
        self._needed = 2
        self._left = 0  # of the frame's payload
        self._lost = False  # no WebSocket, so there are no frames to follow

    @property
    def between_frames(self) -> bool:
        """Tell whether a frame may be put in here: the server switched, and is within none."""
        return self._answered and not (self._lost or self._header or self._left)

    def receive_data(self, data: Buffer) -> None:
        """Follow the next bytes of the stream."""
        view = memoryview(data)
        self.started = self.started or bool(view.nbytes)
        position = 0 if self._answered or self._lost else self._follow_head(view)
        size = view.nbytes
        while position < size and not self._lost:
            if self._left:
                step = min(self._left, size - position)
                self._left -= step
                position += step
            else:
                position = self._follow_header(view, position)

    def _follow_head(self, view: memoryview) -> int:
        """Look for the end of the final answer's head; returns the position after it.

        Interim answers before it count for its length.
        """
        head = self._head
        before = len(head)
        head += view[: _MAX_HEAD + len(HEAD_END)]
        end = head.find(HEAD_END, max(before - len(HEAD_END), self._start))
        while end >= 0 and INTERIM.match(head, self._start):
            self._start = end + len(HEAD_END)
            end = head.find(HEAD_END, self._start)
        if end < 0:
            self._lost = len(head) > _MAX_HEAD
            return view.nbytes
        self._lost = not head.startswith(SWITCHED, self._start)
        head.clear()
        self._answered = True
        return end + len(HEAD_END) - before

    def _follow_header(self, view: memoryview, position: int) -> int:
        """Take bytes of a frame's header; returns the position after them."""
        header = self._header
        taken = view[position : position + self._needed - len(header)]
        header += taken
        if len(header) == self._needed == 2:
            self._needed += _LENGTH_BYTES.get(header[1] & _LENGTH, 0)
            self._needed += 4 if header[1] & _MASKED else 0
        if len(header) == self._needed:
            self._begin(header)
        return position + len(taken)

    def _begin(self, header: bytearray) -> None:
        length = header[1] & _LENGTH
        if size := _LENGTH_BYTES.get(length):
            length = int.from_bytes(header[2 : 2 + size], "big")
        self._left = length
        self.close_seen = self.close_seen or header[0] & _OPCODE == Opcode.CLOSE
        header.clear()
        self._needed = 2


def close_frame(code: int, reason: str) -> bytes:
    """Return a server's close frame; a reason that is too long for one is cut."""
    text = reason.encode(errors="replace")[:_MAX_REASON].decode(errors="ignore")
    return Frame(Opcode.CLOSE, Close(code, text).serialize()).serialize(mask=False)
