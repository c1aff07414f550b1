"""Frames of STP: the counter, the checksum, the padding; a border of a frame means nothing.

A frame is ``counter u32 ‖ blocks u32 ‖ rest u32 ‖ CRC-32C of these u32 ‖ payload``. The payload has
8 · blocks + rest bytes, and zeros up to whole blocks of 8. All of it, header and padding too, goes
through the cipher stream of its direction. There is no MAC: the counter and the checksum find
accidents, not attackers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from tunnel_gateway.errors import BadRecordError, ProtocolViolationError
from tunnel_gateway.gost.crc32c import crc32c
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.protocol.stp.stp_constants import BLOCK_SIZE, HEADER_SIZE, MAX_SENT_PAYLOAD

_FIELDS: Final = struct.Struct(">III")
_CHECKSUM: Final = struct.Struct(">I")
_MAX_COUNTER: Final = 2**32 - 1


# --- faults, in words that all use who find them ------------------------------------------------


def wrong_checksum(*, first: bool) -> BadRecordError:
    """Return the error for a header whose checksum is wrong, perhaps that of the first frame."""
    hint = " in the first one: the other side has another key" if first else ""
    return BadRecordError(f"the checksum of a frame's header is wrong{hint}")


def wrong_counter(counter: int, awaited: int) -> BadRecordError:
    """Return the error for a frame that is not the next one."""
    return BadRecordError(f"a frame with the counter {counter} in place of {awaited}")


def wrong_length(blocks: int, rest: int) -> ProtocolViolationError:
    """Return the error for a length that the peer may not say."""
    return ProtocolViolationError(f"a frame of {blocks} blocks and {rest} bytes")


def all_frames_spent() -> ProtocolViolationError:
    """Return the error for a direction without a counter for one more frame."""
    return ProtocolViolationError("the direction has had all of its 2^32 frames")


# --- the frames --------------------------------------------------------------------------------


class CipherStream(Protocol):
    """One direction of a cipher; it takes whole blocks of 8 bytes and goes on where it ended."""

    def encrypt(self, data: Buffer) -> Buffer:
        """Return the ciphertext, as long as ``data``."""

    def decrypt(self, data: Buffer) -> Buffer:
        """Return the plaintext, as long as ``data``."""

    def place(self) -> bytes:
        """Return where the stream stands, with its key, for another owner."""


@dataclass(frozen=True, slots=True)
class ReaderPlace:
    """Where a FrameReader stands, for another owner.

    ``frames`` began; the last one lacks ``payload`` and ``padding``. ``header`` and ``block`` are
    what has come of a header, and of a block of ciphertext.
    """

    stream: bytes = field(repr=False)
    frames: int
    payload: int
    padding: int
    header: bytes = field(repr=False)
    block: bytes
    max_blocks: int


@dataclass(frozen=True, slots=True)
class WriterPlace:
    """Where a FrameWriter stands, for another owner; ``frames`` were made."""

    stream: bytes = field(repr=False)
    frames: int


class FrameWriter:
    """Puts bytes of one direction into frames of at most 4096 bytes."""

    __slots__ = ("_counter", "_stream")

    def __init__(self, stream: CipherStream) -> None:
        self._stream = stream
        self._counter = 0

    def place(self) -> WriterPlace:
        """Return where it stands, for another owner."""
        return WriterPlace(self._stream.place(), self._counter)

    def write(self, payload: Buffer) -> Buffer:
        """Return ``payload`` in frames, encrypted; none for no bytes.

        Raises ProtocolViolationError after 2^32 frames, for what the client does then is not known.
        """
        frames = bytearray()
        with memoryview(payload) as view:
            for start in range(0, len(view), MAX_SENT_PAYLOAD):
                part = view[start : start + MAX_SENT_PAYLOAD]
                if self._counter > _MAX_COUNTER:
                    raise all_frames_spent()
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

    def place(self) -> ReaderPlace:
        """Return where it stands, for another owner."""
        return ReaderPlace(
            self._stream.place(),
            self.frames,
            self._payload,
            self._padding,
            self._header,
            self._block,
            self._max_blocks,
        )

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
            raise wrong_checksum(first=not self.frames)
        if counter != self.frames:
            raise wrong_counter(counter, self.frames)
        if blocks > self._max_blocks or rest >= BLOCK_SIZE:
            raise wrong_length(blocks, rest)
        self.frames += 1
        self._payload = blocks * BLOCK_SIZE + rest
        self._padding = -rest % BLOCK_SIZE
