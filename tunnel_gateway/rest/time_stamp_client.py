"""The client of a time stamp authority (RFC 3161, asked by http as in section 3.4): ``tsp.url``.

An answer is checked before it is used: it is the answer to this request, its signature is right,
and its signer may stamp times and leads to a trust anchor. A token that others would refuse is
refused here, where the operator can see it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tunnel_gateway.cms.judging import judge_time_stamp
from tunnel_gateway.cms.time_stamp import (
    MAX_ANSWER_SIZE,
    NONCE_SIZE,
    AuthorityRefusedError,
    make_request,
    read_answer,
)
from tunnel_gateway.daemon.fetch import Fetcher
from tunnel_gateway.daemon.resting import AddressRestsError, FetchError
from tunnel_gateway.errors import SignedDataError, TimeStampError
from tunnel_gateway.pki.encoding.oids import Family
from tunnel_gateway.pki.status.standing import Knowledge
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer
from tunnel_gateway.revocation.standings import Statuses

_MEDIA_TYPE: Final = "application/timestamp-query"
_NOT_SET: Final = "tsp.url is not set: no time stamp authority can be asked; set it to the address"


class AuthorityNotSetError(TimeStampError):
    """The configuration names no time stamp authority."""


class AuthorityAwayError(TimeStampError):
    """The time stamp authority did not answer."""


class WrongAnswerError(TimeStampError):
    """The answer of the time stamp authority cannot be used."""


@dataclass(frozen=True, slots=True)
class TimeStampTerms:
    """How the authority is asked: at ``url``, None if there is no authority.

    The connection must stand within ``connect_seconds``, and the whole answer must come within
    ``seconds``. ``tls`` checks the server of an https address; without it, the system's authorities
    do.
    """

    url: str | None
    connect_seconds: float = 3.0
    seconds: float = 10.0
    tls: ssl.SSLContext | None = None


class TimeStampClient:
    """Asks the authority for time stamps. Make it in the loop, and close it at the end.

    The ``validator`` decides which authorities are trusted. Public-key work runs in ``executor``.
    With ``statuses`` no stamp of a revoked authority is given out; a status that is unknown is left
    to those who verify the stamp.
    """

    def __init__(
        self,
        terms: TimeStampTerms,
        validator: ChainValidator,
        executor: Executor,
        statuses: Statuses | None = None,
    ) -> None:
        self._terms = terms
        self._validator = validator
        self._executor = executor
        self._statuses = statuses
        self._fetcher = Fetcher(terms.tls)
        self._fault: str | None = None

    async def stamp(self, imprint: bytes, family: Family) -> bytes:
        """Return the DER of a token for the data of which ``imprint`` is the digest (32 bytes).

        Raises AuthorityNotSetError; AuthorityAwayError if nobody answers, also at the second
        attempt; AuthorityRefusedError with the authority's reason; WrongAnswerError for any other
        answer.
        """
        try:
            token = await self._stamp(imprint, family)
        except (AuthorityAwayError, AuthorityRefusedError, WrongAnswerError) as error:
            self._fault = str(error)
            raise
        self._fault = None
        return token

    def expect_set(self) -> None:
        """Raise AuthorityNotSetError if there is no authority to ask."""
        if self._terms.url is None:
            raise AuthorityNotSetError(_NOT_SET)

    def faults(self) -> Iterator[str]:
        """Yield what is missing or failed the last time, and which key to set."""
        if self._terms.url is None:
            yield _NOT_SET
        elif self._fault is not None:
            yield f"{self._fault}; see tsp.url"

    async def close(self) -> None:
        """Break off what is being asked."""
        await self._fetcher.close()

    async def _stamp(self, imprint: bytes, family: Family) -> bytes:
        if self._terms.url is None:
            raise AuthorityNotSetError(_NOT_SET)
        nonce = os.urandom(NONCE_SIZE)
        loop = asyncio.get_running_loop()
        request = await loop.run_in_executor(self._executor, make_request, imprint, family, nonce)
        answer = await self._ask(self._terms.url, request)
        token, peer = await loop.run_in_executor(
            self._executor, self._check, answer, imprint, nonce
        )
        await self._refuse_revoked(peer)
        return token

    async def _ask(self, url: str, request: bytes) -> bytes:
        """Post the request, and once more if that can heal the fault."""
        try:
            return await self._post(url, request)
        except FetchError as error:
            if not error.passing or isinstance(error, AddressRestsError):
                raise AuthorityAwayError(f"the time stamp authority: {error}") from None
        self._fetcher.forget()
        try:
            return await self._post(url, request)
        except FetchError as error:
            raise AuthorityAwayError(f"the time stamp authority: {error}") from None

    async def _post(self, url: str, request: bytes) -> bytes:
        return await self._fetcher.fetch(
            url,
            limit=MAX_ANSWER_SIZE,
            seconds=self._terms.seconds,
            connect_seconds=self._terms.connect_seconds,
            post=(request, _MEDIA_TYPE),
        )

    def _check(self, answer: bytes, imprint: bytes, nonce: bytes) -> tuple[bytes, VerifiedPeer]:
        try:
            token = read_answer(answer, imprint, nonce)
        except AuthorityRefusedError:
            raise
        except SignedDataError as error:
            raise WrongAnswerError(str(error)) from None
        verdict = judge_time_stamp(token, imprint, self._validator, datetime.now(UTC))
        if verdict.fault is not None or verdict.chain is None or verdict.chain.peer is None:
            raise _wrong(verdict.fault)
        return token, verdict.chain.peer

    async def _refuse_revoked(self, peer: VerifiedPeer) -> None:
        if self._statuses is None:
            return
        for standing in await self._statuses.of(peer):
            if standing.knowledge is Knowledge.REVOKED:
                raise _wrong(f"{peer.leaf.label}, or the certificate of its centre, was revoked")


def _wrong(fault: object) -> WrongAnswerError:
    return WrongAnswerError(f"the answer of the time stamp authority cannot be used: {fault}")
