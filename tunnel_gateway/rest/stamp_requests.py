"""Requests of callers for time stamps: a share for each source, and refusals that strangers see.

Anyone may ask for a time stamp, and the client of the authority asks for so many at once only. So
users wait for a place here, and no source takes the places of the others. The address of the
authority and its own words are for the log: they say what the organisation's network looks like.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Protocol
from weakref import WeakValueDictionary

from tunnel_gateway.daemon.fetch import MAX_FETCHES
from tunnel_gateway.errors import TimeStampError
from tunnel_gateway.limits.sources import source_of
from tunnel_gateway.pki.encoding.oids import Family
from tunnel_gateway.rest.call import Caller
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.time_stamp_client import AuthorityAwayError, AuthorityNotSetError

# So many time stamps one source of users may ask for at once, and all of them together. The rest
# is for the application.
SOURCE_PLACES: Final = MAX_FETCHES // 4
USER_PLACES: Final = MAX_FETCHES - SOURCE_PLACES


class TimeStampAuthority(Protocol):
    """Gives time stamps: the client of ``tsp.url``."""

    def expect_set(self) -> None:
        """Raise AuthorityNotSetError if there is no authority to ask."""

    async def stamp(self, imprint: bytes, family: Family) -> bytes:
        """Return a token for the data of which ``imprint`` is the digest. Raises TimeStampError."""


class StampRequests:
    """Asks the ``authority`` for callers. A request waits for its place up to ``seconds``."""

    def __init__(self, authority: TimeStampAuthority, seconds: float) -> None:
        self._authority = authority
        self._seconds = seconds
        self._users = asyncio.Semaphore(USER_PLACES)
        # A source is known as long as one of its requests waits or is answered.
        self._sources: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def expect_set(self) -> None:
        """Raise Refusal if no authority is set: nothing needs to be worked out for it."""
        try:
            self._authority.expect_set()
        except AuthorityNotSetError as error:
            raise Refusal(Reason.NOT_CONFIGURED, str(error)) from None

    async def stamp(self, caller: Caller, imprint: bytes, family: Family) -> bytes:
        """Return a token of the authority for an ``imprint`` (32 bytes). Raises Refusal."""
        async with self._place(caller):
            try:
                return await self._authority.stamp(imprint, family)
            except AuthorityNotSetError as error:
                raise Refusal(Reason.NOT_CONFIGURED, str(error)) from None
            except AuthorityAwayError as error:
                raise Refusal(Reason.AUTHORITY_AWAY, for_log=str(error)) from None
            except TimeStampError as error:
                raise Refusal(Reason.AUTHORITY_REFUSED, for_log=str(error)) from None

    @asynccontextmanager
    async def _place(self, caller: Caller) -> AsyncIterator[None]:
        if caller.own:
            yield
            return
        source = source_of(caller.user or caller.source)
        # The variable keeps the semaphore alive.
        places = self._sources.setdefault(source, asyncio.Semaphore(SOURCE_PLACES))
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._seconds):
                    await held.enter_async_context(places)
                    await held.enter_async_context(self._users)
            except TimeoutError:
                raise Refusal(
                    Reason.OVERLOADED, "too many time stamps are asked for at once"
                ) from None
            yield
