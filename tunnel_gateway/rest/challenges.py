"""Challenges that are accepted once, and only for a while.

A challenge is a UUID that says when this store has made it, closed under the store's own keys. So
the store keeps nothing of a challenge until somebody uses it: strangers who ask for millions of
challenges fill no memory and push nobody's challenge out. A challenge is used up by a right
signature whose chain leads to a trust anchor. So only users of a known centre can make the store
remember one, and all that the store remembers is bounded too.

The 122 free bits of a UUID of version 4 hold 58 bits of text and a tag of 64 bits. The text is the
time and a counter. The tag is a MAC of the text, and also the nonce under which the text is
encrypted (the construction of SIV, RFC 5297). Nobody else can tell a challenge from a random UUID,
or make one up: each attempt needs a signature of a trusted user, and succeeds once in 2^64 times.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Final, Protocol

from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.rest.statuses import Reason, Refusal

_TAG_BITS: Final = 64
_TEXT_BITS: Final = 58
_COUNTER_BITS: Final = 18
_TIME_BITS: Final = _TEXT_BITS - _COUNTER_BITS  # milliseconds of 34 years
_TEXT_BYTES: Final = (_TEXT_BITS + 7) // 8
_TAG_BYTES: Final = _TAG_BITS // 8

_UUID: Final = re.compile(
    r"([0-9a-f]{8})-([0-9a-f]{4})-4([0-9a-f]{3})-([89ab][0-9a-f]{3})-([0-9a-f]{12})"
)


class Taker(Protocol):
    """Takes challenges."""

    async def knows(self, challenge: str) -> bool:
        """Tell whether the challenge is valid, and leave it so. Raises Refusal."""

    async def take(self, challenge: str) -> bool:
        """Tell whether the challenge is valid, and use it up. Raises Refusal."""


class Challenges(Taker, Protocol):
    """A store of challenges: this one, or the Redis that several servers share."""

    def configure(self, seconds: float, limit: int) -> None:
        """Let challenges live so long, and keep so many at most."""

    async def start(self) -> None:
        """Begin the work of the store."""

    async def give(self) -> str:
        """Return a new challenge. Raises Refusal."""

    def faults(self) -> Iterator[str]:
        """Yield why challenges cannot be given or taken now."""

    def samples(self) -> Iterator[Sample]:
        """Yield the metrics of the store."""

    async def close(self) -> None:
        """End the work of the store."""


class OwnChallenges:
    """The challenges of one server.

    A challenge is valid for ``seconds``. ``limit`` is how many used ones are remembered: if there
    are more, each further use is refused. ``clock`` is in seconds and never goes back.
    """

    def __init__(self, seconds: float, limit: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._limit = limit
        self._clock = clock
        self._start = clock()
        self._oldest = 0  # milliseconds since the start; no older challenge is valid
        self._key = secrets.token_bytes(32)
        self._mask_key = secrets.token_bytes(32)
        self._counter = 0
        # Two generations: a used challenge stays in one of them for at least its whole life.
        self._used: set[str] = set()
        self._used_before: set[str] = set()
        self._turned = self._start

    def configure(self, seconds: float, limit: int) -> None:
        """Let challenges live so long from now on. A challenge that has ended stays invalid."""
        if seconds > self._seconds:
            self._oldest = max(self._oldest, self._now() - int(self._seconds * 1000))
        self._seconds = seconds
        self._limit = limit
        self._turned = self._clock()  # both generations are kept for a new life

    async def give(self) -> str:
        """Return a new challenge."""
        self._counter = (self._counter + 1) % (1 << _COUNTER_BITS)
        text = self._now() % (1 << _TIME_BITS) << _COUNTER_BITS | self._counter
        tag = self._tag(text)
        return _as_uuid((text ^ self._mask(tag)) << _TAG_BITS | tag)

    async def knows(self, challenge: str) -> bool:
        """Tell whether the challenge is valid, and leave it so."""
        return self._knows(challenge)

    async def take(self, challenge: str) -> bool:
        """Tell whether the challenge is valid, and use it up."""
        if not self._knows(challenge):
            return False
        if len(self._used) + len(self._used_before) >= self._limit:
            raise Refusal(Reason.OVERLOADED, "too many challenges were used, see challenge.limit")
        self._used.add(challenge)
        return True

    def faults(self) -> Iterator[str]:
        """Yield nothing: this store is always there."""
        yield from ()

    def samples(self) -> Iterator[Sample]:
        """Yield how many used challenges are remembered."""
        count = len(self._used) + len(self._used_before)
        yield "tunnel_gateway_rest_challenges_used", (), count

    async def start(self) -> None:
        """Do nothing: there is no work to begin."""

    async def close(self) -> None:
        """Do nothing: there is no work to end."""

    def _knows(self, challenge: str) -> bool:
        closed = _of_uuid(challenge)
        if closed is None or not self._is_alive(closed):
            return False
        self._forget()
        return challenge not in self._used and challenge not in self._used_before

    def _is_alive(self, closed: int) -> bool:
        tag = closed & ((1 << _TAG_BITS) - 1)
        text = closed >> _TAG_BITS ^ self._mask(tag)
        right = self._tag(text).to_bytes(_TAG_BYTES)
        if not hmac.compare_digest(right, tag.to_bytes(_TAG_BYTES)):
            return False
        made = text >> _COUNTER_BITS
        return self._oldest <= made and self._now() - made <= self._seconds * 1000

    def _forget(self) -> None:
        """Forget the used challenges whose life has ended."""
        now = self._clock()
        if now - self._turned <= self._seconds:
            return
        # If nobody came for a second life, both generations have ended.
        quiet = now - self._turned > 2 * self._seconds
        self._used_before = set() if quiet else self._used
        self._used = set()
        self._turned = now

    def _now(self) -> int:
        return int((self._clock() - self._start) * 1000)

    def _tag(self, text: int) -> int:
        data = text.to_bytes(_TEXT_BYTES)
        return int.from_bytes(blake2b(data, digest_size=_TAG_BYTES, key=self._key).digest())

    def _mask(self, tag: int) -> int:
        data = tag.to_bytes(_TAG_BYTES)
        stream = blake2b(data, digest_size=_TEXT_BYTES, key=self._mask_key).digest()
        return int.from_bytes(stream) >> (8 * _TEXT_BYTES - _TEXT_BITS)


def has_form(text: str) -> bool:
    """Tell whether a text looks like a challenge, of whatever server and time."""
    return _UUID.fullmatch(text) is not None


def _as_uuid(value: int) -> str:
    """Return 122 bits as a UUID of version 4 (RFC 9562, 5.4)."""
    digits = f"{value >> 62:015x}"
    variant = 1 << 63 | value & ((1 << 62) - 1)
    rest = f"{variant:016x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[12:]}-{rest[:4]}-{rest[4:]}"


def _of_uuid(text: str) -> int | None:
    """Return the 122 bits of a UUID of version 4 in lower case; None for any other text."""
    match = _UUID.fullmatch(text)
    if match is None:
        return None
    a, b, c, d, e = match.groups()
    return int(a + b + c, 16) << 62 | int(d + e, 16) & ((1 << 62) - 1)
