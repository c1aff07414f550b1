"""Reading a body within bounds: on its size, its time, and the memory of all bodies together."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from tunnel_gateway.rest.bodies import Body
from tunnel_gateway.rest.statuses import Reason, Refusal

# A body gets this time, and as much more as a slow line needs for its bytes.
_BODY_SECONDS: Final = 10.0
_SLOWEST: Final = 16 * 1024  # bytes a second
# Each chunk of a body costs the loop a microsecond, however small it is. So more bytes may come
# than the body has by this, and by this part of the body: then a chunk has some thirty bytes. The
# library keeps up to 256 KiB that have come, until there is room for them.
_FRAMING: Final = 1024 * 1024
_FRAMING_PART: Final = 4
# So many bytes of memory one byte of a body takes until it is answered: the body, the document in
# it, and what is made of them for the answer.
_FACTOR: Final = 3
# Strangers together may take this part of the memory: there is always room for the application.
_STRANGERS: Final = 0.5


class BodyMemory:
    """The memory of the bodies that are read and not answered yet; ``limit`` is in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._of_strangers = 0

    def share(self, *, stranger: bool) -> Share:
        """Return the share of one call, as a context manager."""
        return Share(self, stranger)

    def take(self, size: int, *, stranger: bool) -> None:
        """Take more memory, or give it back if ``size`` is negative. Raises Refusal."""
        if size > 0 and (
            self.held + size > self.limit
            or (stranger and self._of_strangers + size > self.limit * _STRANGERS)
        ):
            raise Refusal(
                Reason.OVERLOADED, "the bodies of other calls take all the memory, see body.memory"
            )
        self.held += size
        if stranger:
            self._of_strangers += size


class Share:
    """The memory that one call takes."""

    def __init__(self, memory: BodyMemory, stranger: bool) -> None:
        self._memory = memory
        self._stranger = stranger
        self._size = 0

    def grow_to(self, kept: int) -> None:
        """Hold memory for a body of which ``kept`` bytes are there. Raises Refusal."""
        size = kept * _FACTOR
        if size > self._size:
            self._memory.take(size - self._size, stranger=self._stranger)
            self._size = size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._memory.take(-self._size, stranger=self._stranger)
        self._size = 0


async def receive(request: web.BaseRequest, body: Body, share: Share) -> tuple[bytes, ...]:
    """Return the parts of the request's ``body``.

    Raises Refusal, and OSError if the client has gone.
    """
    content = request.content
    if content.is_eof():  # it has come together with its head
        if piece := await content.readany():
            share.grow_to(body.feed(piece))
        return body.finish()
    try:
        await _receive(request, body, share)
    except TimeoutError:
        pass  # raised below, without the frames of the reading
    except web.RequestPayloadError as error:
        raise Refusal(Reason.UNREADABLE_REQUEST, "its chunks are not correct HTTP") from error
    else:
        return body.finish()
    raise Refusal(
        Reason.TOO_SLOW,
        f"a body must come within {_BODY_SECONDS:g} s, or with {_SLOWEST // 1024} KiB a second",
    )


async def _receive(request: web.BaseRequest, body: Body, share: Share) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _BODY_SECONDS
    length = 0
    async with asyncio.timeout_at(deadline) as limit:
        while piece := await request.content.readany():
            length += len(piece)
            share.grow_to(body.feed(piece))
            if not request.content.is_eof():  # behind the end there may be other requests
                _expect_little_framing(request, length)
            limit.reschedule(deadline + length / _SLOWEST)


def _expect_little_framing(request: web.BaseRequest, length: int) -> None:
    """Raise Refusal if the chunks of a body are so small that they cost more than the body."""
    received = getattr(request.protocol, "received", length)
    if received - length > _FRAMING + length // _FRAMING_PART:
        # The library would read on for ten seconds behind the answer, at the same cost.
        request.protocol._lingering_time = 0.0  # noqa: SLF001
        raise Refusal(Reason.BAD_BODY, "its chunks have few bytes each; send larger chunks")
