"""Protected records: sealing, opening, numbering and the ratchet of the keys."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag

from tunnel_gateway.errors import BadRecordError
from tunnel_gateway.gost.cipher import KEY_SIZE, NONCE_SIZE, MagmaMGM
from tunnel_gateway.gost.digest import DIGEST_SIZE
from tunnel_gateway.protocol.constants import (
    RECORDS_PER_KEY,
    TAG_SIZE,
    ContentType,
    RecordType,
)
from tunnel_gateway.protocol.key_schedule import expand_label

# RFC 9058 takes 63 bits: the first bit of the 64 is its own.
_NONCE_MASK = (1 << 63) - 1


def header(record_type: RecordType, size: int) -> bytes:
    """Return the three bytes before a fragment of ``size`` bytes."""
    return bytes((record_type, size >> 8, size & 0xFF))


class _Direction:
    """The keys of one direction: each serves RECORDS_PER_KEY records, then its successor."""

    __slots__ = ("_iv", "_mgm", "_number", "_secret")

    def __init__(self, traffic_secret: bytes) -> None:
        self._use(traffic_secret)

    def _use(self, traffic_secret: bytes) -> None:
        self._secret = traffic_secret
        self._mgm = MagmaMGM(expand_label(traffic_secret, b"key", b"", KEY_SIZE))
        iv = expand_label(traffic_secret, b"iv", b"", NONCE_SIZE)
        self._iv = int.from_bytes(iv, "big") & _NONCE_MASK
        self._number = 0

    def _next_nonce(self) -> bytes:
        if self._number == RECORDS_PER_KEY:
            self._use(expand_label(self._secret, b"upd", b"", DIGEST_SIZE))
        nonce = self._iv ^ self._number
        self._number += 1
        return nonce.to_bytes(NONCE_SIZE, "big")


class Sealer(_Direction):
    """Makes the protected records of the direction we send."""

    __slots__ = ()

    def seal(self, content: ContentType, payload: bytes | memoryview) -> bytes:
        """Return the whole record of ``payload``, at most MAX_PAYLOAD bytes."""
        head = header(RecordType.PROTECTED, 1 + len(payload) + TAG_SIZE)
        plaintext = b"".join((bytes((content,)), payload))
        nonce = self._next_nonce()  # before the key is looked at: this may put in the next one
        return head + self._mgm.encrypt(nonce, plaintext, head)


class Opener(_Direction):
    """Opens the protected records of the direction we receive."""

    __slots__ = ()

    def open(self, fragment: bytes) -> tuple[int, bytes]:
        """Return the content type and the payload; raises BadRecordError."""
        head = header(RecordType.PROTECTED, len(fragment))
        nonce = self._next_nonce()  # before the key is looked at: this may put in the next one
        try:
            plaintext = self._mgm.decrypt(nonce, fragment, head)
        except InvalidTag:
            raise BadRecordError("a record does not open") from None
        if not plaintext:
            raise BadRecordError("a record without a content type")
        return plaintext[0], plaintext[1:]
