"""Frames of STP: the counter, the checksum, the padding; a border of a frame means nothing.

A frame is ``counter u32 ‖ blocks u32 ‖ rest u32 ‖ CRC-32C of these u32 ‖ payload``. The payload has
8 · blocks + rest bytes, and zeros up to whole blocks of 8. All of it, header and padding too, goes
through the cipher stream of its direction. There is no MAC: the counter and the checksum find
accidents, not attackers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, Protocol

from tunnel_gateway.errors import BadRecordError, ProtocolViolationError
from tunnel_gateway.gost.crc32c import crc32c
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.protocol.stp.stp_constants import BLOCK_SIZE, HEADER_SIZE, MAX_SENT_PAYLOAD

_FIELDS: Final = struct.Struct(">III")
_CHECKSUM: Final = struct.Struct(">I")
_MAX_COUNTER: Final = 2**32 - 1


class CipherStream(Protocol):
    """One direction of a cipher; it takes whole blocks of 8 bytes and goes on where it ended."""

    def encrypt(self, data: Buffer) -> Buffer:
        """Return the ciphertext, as long as ``data``."""

    def decrypt(self, data: Buffer) -> Buffer:
        """Return the plaintext, as long as ``data``."""


class FrameWriter:
    """Puts bytes of one direction into frames of at most 4096 bytes."""

    __slots__ = ("_counter", "_stream")

    def __init__(self, stream: CipherStream) -> None:
        self._stream = stream
        self._counter = 0

    def write(self, payload: Buffer) -> Buffer:
        """Return ``payload`` in frames, encrypted; none for no bytes.

        Raises ProtocolViolationError after 2^32 frames, for what the client does then is not known.
        """
        frames = bytearray()
        with memoryview(payload) as view:
            for start in range(0, len(view), MAX_SENT_PAYLOAD):
                part = view[start : start + MAX_SENT_PAYLOAD]
                if self._counter > _MAX_COUNTER:
                    raise ProtocolViolationError("the direction has had all of its 2^32 frames")
                fields = _FIELDS.pack(self._counter, *divmod(len(part), BLOCK_SIZE))
                frames += fields
                frames += _CHECKSUM.pack(crc32c(fields))
                frames += part
                frames += bytes(-len(part) % BLOCK_SIZE)
                self._counter += 1
        return self._stream.encrypt(frames) if frames else b""


class FrameReader:
    """Takes bytes of one direction out of their frames, split in any way.

    It keeps at most 23 bytes, however long a frame says that it is. ``max_blocks`` is what the
    peer may say in one frame; ``frames`` counts those that began.
    """

    __slots__ = ("_block", "_header", "_max_blocks", "_padding", "_payload", "_stream", "frames")

    def __init__(self, stream: CipherStream, max_blocks: int) -> None:
        self._stream = stream
        self._max_blocks = max_blocks
        self._block = b""  # of the ciphertext, not whole yet
        self._header = b""  # of the plaintext, not whole yet
        self._payload = 0  # how much of the frame is still to come
        self._padding = 0
        self.frames = 0

    @property
    def missing(self) -> int:
        """How many bytes the header or the frame lacks that is being read: at least 1."""
        wanted = self._payload + self._padding or HEADER_SIZE - len(self._header)
        return wanted - len(self._block)

    def read(self, data: Buffer) -> Iterator[Buffer]:
        """Yield the payload in ``data``, in parts; ``b""`` for the beginning of each frame.

        Raises BadRecordError for a wrong counter or checksum, ProtocolViolationError for a length
        that the peer may not say; the payload before it has been yielded then.
        """
        ciphertext = self._block + data if self._block else data
        whole = len(ciphertext) - len(ciphertext) % BLOCK_SIZE
        self._block = bytes(ciphertext[whole:])
        if not whole:
            return
        plain = memoryview(self._stream.decrypt(ciphertext[:whole]))
        while plain:
            if self._payload or self._padding:
                part = plain[: self._payload]
                passed = min(self._payload + self._padding, len(plain))
                self._padding -= passed - len(part)
                self._payload -= len(part)
                plain = plain[passed:]
                if part:
                    yield part
                continue
            taken = HEADER_SIZE - len(self._header)
            self._header += plain[:taken]
            plain = plain[taken:]
            if len(self._header) == HEADER_SIZE:
                self._begin(self._header)
                self._header = b""
                yield b""

    def _begin(self, header: bytes) -> None:
        """Check a header; the frame's payload follows it."""
        counter, blocks, rest = _FIELDS.unpack_from(header)
        (checksum,) = _CHECKSUM.unpack_from(header, _FIELDS.size)
        if checksum != crc32c(header[: _FIELDS.size]):
            first = "" if self.frames else " in the first one: the other side has another key"
            raise BadRecordError(f"the checksum of a frame's header is wrong{first}")
        if counter != self.frames:
            raise BadRecordError(f"a frame with the counter {counter} in place of {self.frames}")
        if blocks > self._max_blocks or rest >= BLOCK_SIZE:
            raise ProtocolViolationError(f"a frame of {blocks} blocks and {rest} bytes")
        self.frames += 1
        self._payload = blocks * BLOCK_SIZE + rest
        self._padding = -rest % BLOCK_SIZE
