"""Protected records: sealing, opening, numbering and the ratchet of the keys."""

from __future__ import annotations

from dataclasses import dataclass, field

from tunnel_gateway.gost.frames import Buffer, Frames, Opened
from tunnel_gateway.protocol.constants import (
    MAX_PAYLOAD,
    MAX_PROTECTED_FRAGMENT,
    RECORDS_PER_KEY,
    ContentType,
    RecordType,
)
from tunnel_gateway.protocol.key_schedule import next_secret, traffic_keys


def header(record_type: RecordType, size: int) -> bytes:
    """Return the three bytes before a fragment of ``size`` bytes."""
    return bytes((record_type, size >> 8, size & 0xFF))


@dataclass(frozen=True, slots=True)
class TrafficKeys:
    """One direction for a new owner: its traffic secret, 32 bytes, and its place in the ratchet.

    ``left`` is how many records the present key still serves, 0 to RECORDS_PER_KEY.
    """

    secret: bytes = field(repr=False)
    left: int


class _Direction:
    """The keys of one direction: each serves RECORDS_PER_KEY records, then its successor."""

    __slots__ = ("_frames", "_left", "_secret")

    def __init__(self, traffic_secret: bytes) -> None:
        self._use(traffic_secret)

    def _use(self, traffic_secret: bytes) -> None:
        self._secret = traffic_secret
        self._frames = Frames(*traffic_keys(traffic_secret))
        self._left = RECORDS_PER_KEY

    @property
    def keys(self) -> TrafficKeys:
        """The keys of the next record, for a new owner."""
        return TrafficKeys(self._secret, self._left)

    def _renew_spent_key(self) -> None:
        if self._left == 0:
            self._use(next_secret(self._secret))


class Sealer(_Direction):
    """Makes the protected records of the direction we send."""

    __slots__ = ()

    def seal(self, content: ContentType, payload: Buffer) -> bytearray:
        """Return ``payload``, of any length, in records: one, or more over MAX_PAYLOAD bytes."""
        sealed, taken = self._seal_under_one_key(content, payload)
        while taken < len(payload):
            more, size = self._seal_under_one_key(content, memoryview(payload)[taken:])
            sealed += more
            taken += size
        return sealed

    def _seal_under_one_key(self, content: ContentType, payload: Buffer) -> tuple[bytearray, int]:
        self._renew_spent_key()
        sealed, taken = self._frames.seal(
            RecordType.PROTECTED,
            content,
            payload,
            max_payload=MAX_PAYLOAD,
            max_frames=self._left,
        )
        self._left -= max(1, -(-taken // MAX_PAYLOAD))
        return sealed, taken


class Opener(_Direction):
    """Opens the protected records of the direction we receive."""

    __slots__ = ()

    def open(self, received: Buffer) -> Opened:
        """Open the protected records at the start of ``received``.

        It stops before one that is not whole, after one that is not data, and where the key
        changes: call it again while it takes something.
        """
        self._renew_spent_key()
        opened = self._frames.open(
            RecordType.PROTECTED,
            ContentType.DATA,
            received,
            max_size=MAX_PROTECTED_FRAGMENT,
            max_frames=self._left,
        )
        self._left -= opened.frames
        return opened
