"""The messages of STP: one frozen dataclass each, with ``parse`` and ``serialize``.

No message says its whole length first. So each has a function that tells how many bytes it has at
least, from those that are there; when it asks for no more than that, the message is whole. Every
parser raises ProtocolViolationError.
"""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest
from typing import Final, TypeVar

from tunnel_gateway.errors import ProtocolViolationError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.gost.frames import Buffer
from tunnel_gateway.protocol.messages import Reader
from tunnel_gateway.protocol.stp.stp_constants import (
    IV_SIZE,
    MAX_CERTIFICATE,
    MAX_FINISH_TEXT,
    MAX_TAIL,
    MIN_TAIL,
    NONCE_SIZE,
    VERSION,
    Mode,
    Table,
)

_SEQUENCE: Final = 0x30  # the first byte of every certificate
_LENGTH_SIZE: Final = 2
_Number = TypeVar("_Number", Table, Mode)


def begins_stp(received: bytes) -> bool | None:
    """Tell whether a client's first bytes are those of STP; None until there are enough.

    Our own protocol begins with 1 and a length too. Then STP has a certificate, and our protocol
    the letter E. Three bytes are enough if no certificate can be that long.
    """
    if received[:1] not in (b"", bytes((VERSION,))):
        return False
    try:
        Params.size(received[1 : 1 + _LENGTH_SIZE])  # a wrong tail is for the handshake to refuse
    except ProtocolViolationError:
        return False
    if len(received) <= 1 + _LENGTH_SIZE:
        return None
    return received[1 + _LENGTH_SIZE] == _SEQUENCE


@dataclass(frozen=True, slots=True)
class Params:
    """Messages 1 and 2 after their first byte: a certificate, and the cipher of its sender.

    ``length u16 ‖ certificate ‖ tail length u8 ‖ key exchange u8 ‖ table u8 ‖ mode u8 ‖ IV 32 ‖
    extra``. The certificate is one in DER. ``extra`` has at most 220 bytes: of a client the first
    is dst_id, and nothing else is read.
    """

    certificate: bytes
    table: Table
    mode: Mode
    iv: bytes
    extra: bytes = b""

    @staticmethod
    def size(received: Buffer) -> int:
        """Return how many bytes the params have at least, of which ``received`` are the first.

        At most 10498. Raises ProtocolViolationError as soon as a length is out of bounds.
        """
        if len(received) < _LENGTH_SIZE:
            return _LENGTH_SIZE
        certificate = received[0] << 8 | received[1]
        if not 0 < certificate <= MAX_CERTIFICATE:
            raise ProtocolViolationError(f"a certificate of {certificate} bytes")
        tail_at = _LENGTH_SIZE + certificate
        if len(received) <= tail_at:
            return tail_at + 1
        tail = received[tail_at]
        if tail < MIN_TAIL:
            raise ProtocolViolationError(f"only {tail} bytes after the certificate")
        return tail_at + 1 + tail

    @staticmethod
    def size_is_known(received: Buffer) -> bool:
        """Tell whether ``size`` is final: both lengths, of certificate and tail, are there."""
        if len(received) < _LENGTH_SIZE:
            return False
        return len(received) > _LENGTH_SIZE + (received[0] << 8 | received[1])

    @classmethod
    def parse(cls, body: bytes) -> Params:
        """Parse exactly the params; raises ProtocolViolationError."""
        if cls.size(body) != len(body):
            raise ProtocolViolationError("the params have another length than they say")
        reader = Reader(body)
        certificate = reader.take(reader.number(_LENGTH_SIZE))
        tail = reader.number(1)
        exchange = reader.number(1)
        if exchange:
            raise ProtocolViolationError(f"the key exchange {exchange}")
        params = cls(
            certificate,
            _known(Table, reader.number(1)),
            _known(Mode, reader.number(1)),
            reader.take(IV_SIZE),
            reader.take(tail - MIN_TAIL),
        )
        if not any(params.iv):
            raise ProtocolViolationError("an IV of zeros")
        return params

    def serialize(self) -> bytes:
        """Return the bytes; raises ProtocolViolationError for what is too long."""
        if not 0 < len(self.certificate) <= MAX_CERTIFICATE:
            raise ProtocolViolationError(f"a certificate of {len(self.certificate)} bytes")
        tail = MIN_TAIL + len(self.extra)
        if tail > MAX_TAIL or len(self.iv) != IV_SIZE:
            raise ProtocolViolationError("an IV or an extra of another length")
        return b"".join(
            (
                len(self.certificate).to_bytes(_LENGTH_SIZE, "big"),
                self.certificate,
                bytes((tail, 0, self.table, self.mode)),
                self.iv,
                self.extra,
            )
        )

    @property
    def dst_id(self) -> int:
        """The destination, 0 to 255, in a client's params; raises ProtocolViolationError."""
        if not self.extra:
            raise ProtocolViolationError("the client's params have no dst_id")
        return self.extra[0]


@dataclass(frozen=True, slots=True)
class Proof:
    """Message 4, and message 5 after its first byte: ``nonce 32 ‖ hash 32``.

    The hash is over the nonce and the other side's IV. It is encrypted under the shared key, and
    that is all that shows that its sender has the private key.
    """

    nonce: bytes
    hash: bytes

    @classmethod
    def of(cls, nonce: bytes, iv: bytes) -> Proof:
        """Make the proof for the side whose IV is ``iv``."""
        return cls(nonce, digest(nonce + iv))

    @classmethod
    def parse(cls, body: bytes) -> Proof:
        """Parse exactly 64 bytes; raises ProtocolViolationError."""
        reader = Reader(body)
        proof = cls(reader.take(NONCE_SIZE), reader.take(NONCE_SIZE))
        reader.finish()
        return proof

    def serialize(self) -> bytes:
        """Return the 64 bytes."""
        return self.nonce + self.hash

    def answers(self, iv: bytes) -> bool:
        """Tell, in constant time, whether it was made for the side whose IV is ``iv``."""
        return compare_digest(self.hash, digest(self.nonce + iv))


@dataclass(frozen=True, slots=True)
class Finish:
    """Messages 6 and 7: ``code u8 ‖ length u8 ‖ text``, a text of at most 255 bytes for people.

    The text has no character set on the wire. Ours is ASCII.
    """

    code: int
    text: bytes = b""

    @staticmethod
    def size(received: Buffer) -> int:
        """Return how many bytes the finish has at least, of which ``received`` are the first."""
        return 2 if len(received) < 2 else 2 + received[1]

    @classmethod
    def parse(cls, body: bytes) -> Finish:
        """Parse exactly one finish; raises ProtocolViolationError."""
        reader = Reader(body)
        finish = cls(reader.number(1), reader.take(reader.number(1)))
        reader.finish()
        return finish

    def serialize(self) -> bytes:
        """Return the bytes; a text that is too long is cut."""
        text = self.text[:MAX_FINISH_TEXT]
        return bytes((self.code, len(text))) + text


def _known(kind: type[_Number], number: int) -> _Number:
    try:
        return kind(number)
    except ValueError:
        raise ProtocolViolationError(f"the {kind.__name__.lower()} {number}") from None
