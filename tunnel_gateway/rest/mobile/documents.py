"""Documents that wait for the signature of a phone, each for a while.

A document is open from ``begin`` until its life ends; nothing makes the life longer. In this time
one message is kept for it, and one sign-in may use it. Each step is atomic: it succeeds for one
caller, however many try at once.

A document's id has 32 bits only, because that is the vendor's form. So another document can get the
id of one that has ended. The challenge tells them apart: the steps after ``find`` are for the very
document that was found.
"""

from __future__ import annotations

import heapq
import math
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.rest.source_buckets import SourceBuckets
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.transport.wire.rates import Rate

# How much all kept messages may take, in bytes: some 20,000 of 3 KiB. A message is kept after its
# signature was checked, so only users of a known centre can fill this.
MESSAGE_ROOM: Final = 64 * 1024 * 1024
# The part of all documents that one source may begin within the life of one.
_SHARE: Final = 8

# So many take 5 ms. Each call forgets more of them than it can begin.
_FORGOTTEN_AT_ONCE: Final = 1000
# Nothing that ended long ago.
_NOTHING: Final = (-math.inf, None)

_ID_BYTES: Final = 4
_CHALLENGE_BYTES: Final = 32
_ID: Final = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)


class Purpose(StrEnum):
    """The reason why a document waits."""

    SIGN_IN = "sign_in"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class MobileDocument:
    """A document as it was when it was found.

    ``document_id`` has 8 upper-case hexadecimal digits, ``challenge`` has 64. ``message`` is the
    detached PKCS#7, once it was uploaded. ``used``: a user has signed in with it, and the message
    is gone.
    """

    document_id: str
    purpose: Purpose
    challenge: str
    message: bytes | None = None
    used: bool = False


class Documents(Protocol):
    """A store of documents: this server's memory, or the Redis that several servers share."""

    def configure(self, seconds: float, limit: int) -> None:
        """Let new documents live so long, and be open in such a number at most."""

    async def start(self) -> None:
        """Begin the work of the store."""

    async def begin(self, purpose: Purpose, source: str | None) -> MobileDocument:
        """Return a new document for a user at the address ``source``. Raises Refusal.

        It is None for the application, which begins documents for all its users: it has no share.
        """

    async def find(self, document_id: str) -> MobileDocument | None:
        """Return the open document with this id, in either case. Raises Refusal."""

    async def keep(self, document: MobileDocument, message: bytes) -> bool:
        """Keep the message for this open document, and tell whether this was done.

        A document keeps its first message only. Raises Refusal.
        """

    async def use(self, document: MobileDocument) -> bool:
        """Use up the open document that has a message, and tell whether this was done.

        The document stays used until its life ends. Raises Refusal.
        """

    def faults(self) -> Iterator[str]:
        """Yield why documents cannot be begun or found now."""

    def samples(self) -> Iterator[Sample]:
        """Yield the metrics of the store."""

    async def close(self) -> None:
        """End the work of the store."""


class OwnDocuments:
    """The documents of one server, in its memory.

    A document lives for ``seconds``, and ``limit`` may be open. ``clock`` is in seconds and never
    goes back. No step waits for anything, so each is atomic.
    """

    def __init__(self, seconds: float, limit: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        # Each document with the end of its life. A document that has ended may stay for a while,
        # and nobody finds it.
        self._documents: dict[str, tuple[float, MobileDocument]] = {}
        # A heap of the same ends. Not every new document ends last: a reload may have made lives
        # shorter.
        self._ends: list[tuple[float, str]] = []
        self._message_bytes = 0
        self._sources = SourceBuckets(clock)
        self.configure(seconds, limit)

    def configure(self, seconds: float, limit: int) -> None:
        """Let new documents live so long, and be open in such a number at most."""
        self._seconds = seconds
        self._limit = limit
        self._share = share_of_a_source(seconds, limit)

    async def start(self) -> None:
        """Do nothing: there is no work to begin."""

    async def begin(self, purpose: Purpose, source: str | None) -> MobileDocument:
        """Return a new document; ``source`` is None for the application. Raises Refusal."""
        self._forget()
        if len(self._documents) >= self._limit:
            raise too_many_documents(self._limit)
        if source is not None:
            expect_share(self._sources, source, self._share)
        document = new_document(purpose)
        while document.document_id in self._documents:
            document = new_document(purpose)
        end = self._clock() + self._seconds
        self._documents[document.document_id] = end, document
        heapq.heappush(self._ends, (end, document.document_id))
        return document

    async def find(self, document_id: str) -> MobileDocument | None:
        """Return the open document with this id, in either case."""
        self._forget()
        end, document = self._documents.get(as_id(document_id) or "", _NOTHING)
        return document if end > self._clock() else None

    async def keep(self, document: MobileDocument, message: bytes) -> bool:
        """Keep the message for this open document, and tell whether this was done.

        A document keeps its first message only. Raises Refusal.
        """
        current = await self._current(document)
        if current is None or current.used or current.message is not None:
            return False
        if self._message_bytes + len(message) > MESSAGE_ROOM:
            raise no_room_for_messages()
        self._message_bytes += len(message)
        self._replace(replace(current, message=message))
        return True

    async def use(self, document: MobileDocument) -> bool:
        """Use up the open document that has a message, and tell whether this was done.

        The document stays used until its life ends.
        """
        current = await self._current(document)
        if current is None or current.message is None:
            return False
        self._message_bytes -= len(current.message)
        self._replace(replace(current, message=None, used=True))
        return True

    def faults(self) -> Iterator[str]:
        """Yield nothing: this store is always there."""
        yield from ()

    def samples(self) -> Iterator[Sample]:
        """Yield how many documents are remembered."""
        self._forget()
        yield "tunnel_gateway_rest_mobile_documents", (), len(self._documents)

    async def close(self) -> None:
        """Do nothing: there is no work to end."""

    async def _current(self, document: MobileDocument) -> MobileDocument | None:
        """Return this very document as it is now, None if its life has ended."""
        current = await self.find(document.document_id)
        return current if current and current.challenge == document.challenge else None

    def _replace(self, document: MobileDocument) -> None:
        end, _ = self._documents[document.document_id]
        self._documents[document.document_id] = end, document

    def _forget(self) -> None:
        """Forget documents whose life has ended, and not so many at once that others wait."""
        now = self._clock()
        for _ in range(_FORGOTTEN_AT_ONCE):
            if not self._ends or self._ends[0][0] > now:
                break
            _, document_id = heapq.heappop(self._ends)
            _, document = self._documents.pop(document_id)
            self._message_bytes -= len(document.message or b"")


def new_document(purpose: Purpose) -> MobileDocument:
    """Return a document with a random id, which may be taken, and a random challenge."""
    document_id, challenge = secrets.token_hex(_ID_BYTES), secrets.token_hex(_CHALLENGE_BYTES)
    return MobileDocument(document_id.upper(), purpose, challenge.upper())


def as_id(text: str) -> str | None:
    """Return an id in upper case, None for a text that is not an id."""
    return text.upper() if _ID.fullmatch(text) else None


def at_most(amount: float, seconds: float) -> Rate:
    """Return the rate that lets ``amount`` pass within any ``seconds``, and half of it at once."""
    half = max(1.0, amount / 2)
    return Rate(half / seconds, half)


def share_of_a_source(seconds: float, limit: int) -> Rate:
    """Return how many of ``limit`` documents one source may begin within the life of one."""
    return at_most(limit / _SHARE, seconds)


def expect_share(sources: SourceBuckets, source: str, share: Rate) -> None:
    """Count a document of this source; raises Refusal if the source has begun too many."""
    if not sources.take(source, share):
        raise Refusal(
            Reason.TOO_MANY_CALLS,
            f"an eighth of all documents was begun by {source} and is not ended, see mobile.limit",
        )


def too_many_documents(limit: int) -> Refusal:
    """Return the refusal of one document more than ``limit``."""
    return Refusal(Reason.OVERLOADED, f"{limit} documents wait for phones, see mobile.limit")


def no_room_for_messages() -> Refusal:
    """Return the refusal of a message that the store has no room for."""
    return Refusal(
        Reason.OVERLOADED, f"the uploaded messages take {MESSAGE_ROOM // 1024**2} MiB already"
    )
