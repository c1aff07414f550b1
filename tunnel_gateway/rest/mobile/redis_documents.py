"""Documents that wait for a phone in a Redis, so that each of several servers finds all of them.

A document is a hash that ends with its life. Each step is one script, which Redis runs as a whole:
of all servers that try a step at once, one succeeds. Without an answer of Redis nothing is begun
and nothing is accepted.

An error of a script would end the connection, and with it the steps of all other callers. So the
scripts use ``pcall`` where Redis may refuse: the memory of the Redis is full, or somebody else has
written something into the key of a document.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Final

from tunnel_gateway.limits.redis_line import LOST, RedisLine
from tunnel_gateway.observability.few_lines import FewLines
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.metric_table import Sample
from tunnel_gateway.rest.kept_redis import KeptRedis
from tunnel_gateway.rest.mobile.documents import (
    MESSAGE_ROOM,
    MobileDocument,
    Purpose,
    as_id,
    at_most,
    expect_share,
    new_document,
    no_room_for_messages,
    share_of_a_source,
    too_many_documents,
)
from tunnel_gateway.rest.source_buckets import SourceBuckets
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.transport.wire.rates import TokenBucket

log = get_logger(__name__)

_PREFIX: Final = "tunnel-gateway:mobile:"
_BEGIN: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local done = redis.pcall('HSET', KEYS[1], 'purpose', ARGV[1], 'challenge', ARGV[2])
if type(done) == 'table' then return done.err end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
_FIND: Final = """
local record = redis.pcall('HMGET', KEYS[1], 'purpose', 'challenge', 'message', 'used')
if record.err then return 0 end
return record
"""
_KEEP: Final = """
local record = redis.pcall('HMGET', KEYS[1], 'challenge', 'message', 'used')
if record.err or record[1] ~= ARGV[1] or record[2] or record[3] then return 0 end
local done = redis.pcall('HSET', KEYS[1], 'message', ARGV[2])
if type(done) == 'table' then return done.err end
return 1
"""
_USE: Final = """
local record = redis.pcall('HMGET', KEYS[1], 'challenge', 'message', 'used')
if record.err or record[1] ~= ARGV[1] or not record[2] or record[3] then return 0 end
local done = redis.pcall('HSET', KEYS[1], 'used', '1')
if type(done) == 'table' then return done.err end
redis.call('HDEL', KEYS[1], 'message')
return 1
"""
# A question of no meaning: a Redis that allows no scripts refuses it, and the line ends.
PROBE: Final = ("EVAL", "return redis.pcall('PTTL', KEYS[1])", "1", f"{_PREFIX}probe")

_CHALLENGE: Final = re.compile(rb"[0-9A-F]{64}")
_USED: Final = b"1"
# How often an id is drawn. One in 4,000 is taken if a million documents are open.
_DRAWS: Final = 8


class RedisDocuments:
    """The documents of several servers, between ``start`` and ``close``.

    ``line`` makes a connection to the Redis. A document lives for ``seconds``. Within this time
    this server begins at most ``limit`` documents, and keeps messages of `MESSAGE_ROOM` bytes, so
    that strangers do not fill the memory of the Redis. ``clock`` is in seconds and never goes back.
    """

    def __init__(
        self,
        line: Callable[[], RedisLine],
        seconds: float,
        limit: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = KeptRedis("mobile_documents", line, PROBE, self)
        self._clock = clock
        self._sources = SourceBuckets(clock)
        self._begun = TokenBucket()
        self._message_bytes = TokenBucket()
        self._few_lines = FewLines()
        self.configure(seconds, limit)

    def configure(self, seconds: float, limit: int) -> None:
        """Let new documents live so long, and be begun in such a number at most."""
        self._milliseconds = int(seconds * 1000)
        self._limit = limit
        self._share = share_of_a_source(seconds, limit)
        self._begin_rate = at_most(limit, seconds)
        self._message_rate = at_most(MESSAGE_ROOM, seconds)

    async def start(self) -> None:
        """Begin to keep a connection."""
        self._redis.start()

    async def begin(self, purpose: Purpose, source: str | None) -> MobileDocument:
        """Return a new document; ``source`` is None for the application. Raises Refusal."""
        if source is not None:
            expect_share(self._sources, source, self._share)
        if not self._begun.take(self._begin_rate, self._clock()):
            raise too_many_documents(self._limit)
        for _ in range(_DRAWS):
            document = new_document(purpose)
            if await self._run(_BEGIN, document, purpose, document.challenge, self._milliseconds):
                return document
        raise Refusal(Reason.MOBILE_STORE_AWAY, "the Redis of mobile.storage.redis has no free id")

    async def find(self, document_id: str) -> MobileDocument | None:
        """Return the open document with this id, in either case. Raises Refusal."""
        key = as_id(document_id)
        if key is None:
            return None
        answer = await self._ask(_FIND, key)
        try:
            return _read(key, answer)
        except ValueError as error:
            if (more := self._few_lines.admit()) is not None:
                log.warning("mobile_document_damaged", document_id=key, detail=str(error), **more)
            return None

    async def keep(self, document: MobileDocument, message: bytes) -> bool:
        """Keep the message for this open document, and tell whether this was done.

        A document keeps its first message only. Raises Refusal.
        """
        # A message that comes too late counts too: nobody can tell before Redis has answered.
        if not self._message_bytes.take(self._message_rate, self._clock(), len(message)):
            raise no_room_for_messages()
        return await self._run(_KEEP, document, document.challenge, message)

    async def use(self, document: MobileDocument) -> bool:
        """Use up the open document that has a message, and tell whether this was done.

        The document stays used until its life ends. Raises Refusal.
        """
        return await self._run(_USE, document, document.challenge)

    async def _run(
        self, script: str, document: MobileDocument, *arguments: str | bytes | int
    ) -> bool:
        answer = await self._ask(script, document.document_id, *arguments)
        if isinstance(answer, bytes):
            text = "the Redis of mobile.storage.redis refuses to write"
            refused = answer.decode(errors="replace")
            raise Refusal(Reason.MOBILE_STORE_AWAY, text, for_log=f"{text}: {refused}")
        return answer == 1

    async def _ask(self, script: str, document_id: str, *arguments: str | bytes | int) -> object:
        answer = await self._redis.ask("EVAL", script, 1, f"{_PREFIX}{document_id}", *arguments)
        if answer is LOST:
            raise Refusal(
                Reason.MOBILE_STORE_AWAY, "the Redis of mobile.storage.redis does not answer"
            )
        return answer

    def faults(self) -> Iterator[str]:
        """Yield why documents cannot be begun or found now."""
        if not self._redis.answers:
            yield "the Redis of mobile.storage.redis does not answer: nobody can sign with a phone"

    def samples(self) -> Iterator[Sample]:
        """Yield whether the Redis answers."""
        yield "tunnel_gateway_rest_mobile_redis_up", (), self._redis.answers

    async def close(self) -> None:
        """End the connection."""
        await self._redis.close()

    def tell_shared(self) -> None:
        """Say that the Redis answers."""
        log.info("mobile_documents_shared")

    def tell_away(self, detail: str) -> None:
        """Say why the Redis does not answer."""
        log.error("mobile_documents_away", detail=detail)


def _read(document_id: str, answer: object) -> MobileDocument | None:
    """Return the document of a record, None if there is no record.

    Raises ValueError for a record that no server has written.
    """
    if not isinstance(answer, list):
        raise ValueError("it is not a hash")  # noqa: TRY004 - the value of a stranger
    purpose, challenge, message, used = answer
    if purpose is None and challenge is None and message is None and used is None:
        return None
    if purpose is None or challenge is None or not _CHALLENGE.fullmatch(challenge):
        raise ValueError("it has no purpose or challenge")
    if used not in (None, _USED) or (used and message is not None):
        raise ValueError("its use is not known")
    known = {word.value.encode(): word for word in Purpose}
    if purpose not in known:
        raise ValueError("its purpose is not known")
    return MobileDocument(
        document_id, known[purpose], challenge.decode(), message, used is not None
    )
