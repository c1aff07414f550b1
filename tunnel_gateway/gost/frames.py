"""Many MGM messages of one key in one call: a stream cut into frames.

A frame is ``type u8 ‖ size u16 ‖ ciphertext of (content u8 ‖ payload) ‖ tag 8``; its three
header bytes are the associated data, and its nonce is the IV XOR its number under the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tunnel_gateway.gost._native._gost import ffi, lib
from tunnel_gateway.gost.cipher import KEY_SIZE, NONCE_SIZE, TAG_SIZE, native_kernel

Buffer = bytes | bytearray | memoryview

HEADER_SIZE: Final = 3
OVERHEAD: Final = HEADER_SIZE + 1 + TAG_SIZE


@dataclass(frozen=True, slots=True)
class Opened:
    """The contents of some frames.

    ``frames`` genuine ones were ``taken`` bytes of the input. ``data`` is the payload of those
    with the content type that was asked for; ``other`` is the content type and the payload of
    the last one if it is of another or holds no bytes. ``forged`` tells that the frame after
    these is not genuine.
    """

    frames: int
    taken: int
    data: bytearray
    other: tuple[int, bytes] | None
    forged: bool


class Frames:
    """One direction under one key; the first frame has the number 0.

    ``key`` has 32 bytes; ``iv`` has 8, of which the top bit does not count. ``kernel`` is as
    in ``MagmaMGM``. The caller counts the frames and changes the key before it has served too
    many. Raises ValueError for other sizes.
    """

    __slots__ = ("_frames", "_opened")

    def __init__(self, key: bytes, iv: bytes, *, kernel: str | None = None) -> None:
        if len(key) != KEY_SIZE or len(iv) != NONCE_SIZE:
            raise ValueError("the key has 32 bytes and the IV has 8")
        frames = lib.frames_new(native_kernel(kernel), key, iv)
        if frames == ffi.NULL:
            raise MemoryError
        self._frames = ffi.gc(frames, lib.frames_free)
        self._opened = ffi.new("frames_opened *")

    def __repr__(self) -> str:
        return "Frames(secret)"

    def seal(
        self, frame_type: int, content: int, data: Buffer, *, max_payload: int, max_frames: int
    ) -> tuple[bytearray, int]:
        """Seal ``data`` into frames of ``max_payload`` bytes and a last one with the rest.

        Returns them, at least one and at most ``max_frames``, and how many bytes they hold.
        """
        count = min(max(1, -(-len(data) // max_payload)), max_frames)
        out = bytearray(min(len(data), count * max_payload) + count * OVERHEAD)
        taken: int = lib.frames_seal(
            self._frames,
            frame_type,
            content,
            ffi.from_buffer(data),
            len(data),
            max_payload,
            count,
            ffi.from_buffer(out),
        )
        return out, taken

    def open(
        self, frame_type: int, content: int, data: Buffer, *, max_size: int, max_frames: int
    ) -> Opened:
        """Open the frames at the start of ``data``, all that are whole, at most ``max_frames``.

        It stops before a frame that is of another type, or over ``max_size`` after its header,
        and after one that holds no bytes or whose content type is not ``content``.
        """
        out = bytearray(len(data))
        opened = self._opened
        lib.frames_open(
            self._frames,
            frame_type,
            content,
            ffi.from_buffer(data),
            len(data),
            max_size,
            max_frames,
            ffi.from_buffer(out),
            opened,
        )
        payload = opened.payload
        other = None
        if opened.content >= 0:
            other = opened.content, bytes(out[payload : payload + opened.last])
        del out[payload:]
        return Opened(opened.frames, opened.taken, out, other, bool(opened.forged))
