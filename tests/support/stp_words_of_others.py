"""STP's ciphers, frames and params in plain Python, from the description of the protocol alone.

The two programs of others (stp_client_of_others.py, stp_server_of_others.py) speak with it. It
shares the block cipher, the digest and the constants of the curves with the package, and nothing of
its protocol.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.support.reference_curve import multiply
from tests.vectors import load, sbox
from tunnel_gateway.gost.cipher import Gost28147
from tunnel_gateway.gost.curves import Curve
from tunnel_gateway.gost.digest import digest

VERSION: Final = b"\x01"
PROVEN: Final = b"\x80"
SUCCESS: Final = b"\x00\x07Success"
FRAME_HEADER: Final = 16
BIGGEST_FRAME: Final = 4096
CFB, OFB, SIC, GOFB, GCFB = range(5)
MODES: Final = (CFB, OFB, SIC, GOFB, GCFB)
TABLES: Final = tuple(range(7))

_SBOXES: Final = tuple(
    sbox(load("cipher")["sbox"][name])
    for name in (
        "TestParamSet",
        "CryptoPro-A",
        "CryptoPro-B",
        "CryptoPro-C",
        "CryptoPro-D",
        "TestParamSet-3411",
        "CryptoPro-3411",
    )
)
# RFC 4357, section 2.3.2.
_MESHING: Final = bytes.fromhex("6900722264c904238d3adb9646e92ac418feac9400ed0712c086dcc2ef4ca92b")
_MESHED: Final = 1024


class Stream:
    """One direction: whole blocks, each by the mode and the 8 bytes that count of the IV."""

    def __init__(self, key: bytes, table: int, mode: int, iv: bytes) -> None:
        self._sbox = _SBOXES[table]
        self._cipher = Gost28147(key, self._sbox)
        self._mode = mode
        self._last = iv[:8]  # CFB: ciphertext; OFB: keystream; SIC, GOFB: the counter
        self._done = 0
        if mode == GOFB:
            self._last = self._cipher.encrypt_blocks(self._last)

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt whole blocks."""
        return b"".join(self._block(block, received=False) for block in _blocks(data))

    def decrypt(self, data: bytes) -> bytes:
        """Decrypt whole blocks."""
        return b"".join(self._block(block, received=True) for block in _blocks(data))

    def _block(self, block: bytes, *, received: bool) -> bytes:
        if self._mode == GCFB and self._done and self._done % _MESHED == 0:
            self._mesh()
        self._done += 8
        keystream = self._keystream()
        changed = bytes(a ^ b for a, b in zip(block, keystream, strict=True))
        if self._mode in (CFB, GCFB):
            self._last = block if received else changed
        return changed

    def _keystream(self) -> bytes:
        last = self._last
        if self._mode == GOFB:
            low = int.from_bytes(last[:4], "little") + 0x01010101
            high = int.from_bytes(last[4:], "little") + 0x01010104
            self._last = b"".join((n % 2**32).to_bytes(4, "little") for n in (low, high))
            return self._cipher.encrypt_blocks(self._last)
        keystream = self._cipher.encrypt_blocks(last)
        if self._mode == OFB:
            self._last = keystream
        if self._mode == SIC:
            self._last = ((int.from_bytes(last, "big") + 1) % 2**64).to_bytes(8, "big")
        return keystream

    def _mesh(self) -> None:
        self._cipher = Gost28147(self._cipher.decrypt_blocks(_MESHING), self._sbox)
        self._last = self._cipher.encrypt_blocks(self._last)


def _blocks(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), 8):
        yield data[at : at + 8]


@dataclass(frozen=True)
class Params:
    """What each side says in clear."""

    certificate: bytes
    table: int
    mode: int
    iv: bytes
    extra: bytes = b""
    key_exchange: int = 0

    def to_bytes(self) -> bytes:
        """As they go over the wire; nothing is checked."""
        tail = bytes((self.key_exchange, self.table, self.mode)) + self.iv + self.extra
        size = len(self.certificate).to_bytes(2, "big")
        return size + self.certificate + bytes((len(tail),)) + tail


def certificate_and_tail(connection: socket.socket) -> tuple[bytes, bytes]:
    """Receive params as their two parts, whatever these say."""
    certificate = exactly(connection, int.from_bytes(exactly(connection, 2), "big"))
    return certificate, exactly(connection, exactly(connection, 1)[0])


def params(certificate: bytes, tail: bytes) -> Params:
    """Params from their two parts."""
    return Params(certificate, tail[1], tail[2], tail[3:35], tail[35:], tail[0])


def session_key(curve: Curve, own: int, other: tuple[int, int]) -> bytes:
    """The key of a pair of certificates."""
    return hashlib.sha256(multiply(curve, own, other)[0].to_bytes(32, "big")).digest()


def proof(nonce: bytes, iv_of_other: bytes) -> bytes:
    """A nonce and the hash that belongs to it."""
    return nonce + digest(nonce + iv_of_other)


def header(counter: int, blocks: int, rest: int) -> bytes:
    """The head of a frame with a right checksum, whatever its numbers."""
    numbers = b"".join(number.to_bytes(4, "big") for number in (counter, blocks, rest))
    return numbers + crc32c(numbers).to_bytes(4, "big")


def clear_frame(counter: int, payload: bytes) -> bytes:
    """A frame before its encryption."""
    return header(counter, *divmod(len(payload), 8)) + payload + bytes(-len(payload) % 8)


def crc32c(data: bytes) -> int:
    """The checksum, bit by bit."""
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
    return remainder ^ 0xFFFFFFFF


class FrameWriter:
    """The frames of one direction, numbered and encrypted."""

    def __init__(self, key: bytes, own: Params) -> None:
        self._stream = Stream(key, own.table, own.mode, own.iv)
        self._counter = 0

    def frame(self, payload: bytes) -> bytes:
        """One frame."""
        self._counter += 1
        return self._stream.encrypt(clear_frame(self._counter - 1, payload))

    def raw(self, plain: bytes) -> bytes:
        """Encrypt what may be no frame at all."""
        return self._stream.encrypt(plain)


class WrongHeaderError(Exception):
    """A frame with another number or checksum than it must have."""


class FrameReader:
    """The payloads of the other direction. What it has read too much waits for the next call."""

    def __init__(self, key: bytes, other: Params) -> None:
        self._stream = Stream(key, other.table, other.mode, other.iv)
        self._counter = 0
        self._payload = b""

    def frame(self, connection: socket.socket) -> bytes:
        """Receive the payload of one frame; EOFError where the connection ends."""
        head = self._stream.decrypt(exactly(connection, FRAME_HEADER))
        counter, blocks, rest, checksum = (
            int.from_bytes(head[at : at + 4], "big") for at in range(0, FRAME_HEADER, 4)
        )
        if counter != self._counter or checksum != crc32c(head[:12]):
            raise WrongHeaderError(head.hex())
        self._counter += 1
        size = blocks * 8 + rest
        if size >= 2**31:  # in Java a negative number: no payload
            return b""
        return self._stream.decrypt(exactly(connection, size + -size % 8))[:size]

    def some(self, connection: socket.socket) -> bytes:
        """Receive the next payload that is not empty, or what is left of one."""
        while not self._payload:
            self._payload = self.frame(connection)
        found, self._payload = self._payload, b""
        return found

    def exactly(self, connection: socket.socket, size: int) -> bytes:
        """Receive so much payload; the borders of frames mean nothing."""
        found = b""
        while len(found) < size:
            found += self.some(connection)
        self._payload = found[size:]
        return found[:size]


def exactly(connection: socket.socket, size: int) -> bytes:
    """Receive so many bytes; EOFError where the connection ends before."""
    found = bytearray()
    while len(found) < size:
        data = connection.recv(size - len(found))
        if not data:
            raise EOFError(f"the connection ended after {len(found)} bytes of {size}")
        found += data
    return bytes(found)
