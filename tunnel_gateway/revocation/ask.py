"""Inquiries about the status of certificates: shared, remembered, and not on the event loop.

Tasks that ask the same at the same time share one inquiry. An inquiry is repeated when it is due:
some time after a success, so that news are seen, and earlier after a failure. Until then a dead
responder costs no other user a wait.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from tunnel_gateway.errors import RevocationDataError
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.pki.status.crl import MAX_LIST_SIZE, ProvenList, RevocationList
from tunnel_gateway.pki.status.ocsp import (
    MAX_ANSWER_SIZE,
    NONCE_SIZE,
    make_request,
    read_answer,
)
from tunnel_gateway.pki.status.revocation_store import Link, RevocationStore
from tunnel_gateway.revocation.cache import RevocationCache
from tunnel_gateway.revocation.list_folder import ListFolder
from tunnel_gateway.revocation.resting import AddressRestsError

log = get_logger(__name__)

RETRY_SECONDS: Final = 60.0

# A large list over a slow line; nobody waits that long for it.
_LIST_SECONDS: Final = 30.0
# A list that expires before the next look is fetched again half-way, but not in a busy loop.
_LEAST_SECONDS: Final = 5.0
# As many as there are answers in the store.
_MAX_REMEMBERED: Final = 65536

_LIMITS: Final = {"crl": MAX_LIST_SIZE, "ocsp": MAX_ANSWER_SIZE}


@dataclass(frozen=True, slots=True)
class StatusSource:
    """A source of information about ``link``; equal sources give the same.

    ``urls`` are alternatives. They are empty for the kind ``folder``.
    """

    kind: Literal["folder", "crl", "ocsp"]
    key: tuple[str, ...]
    urls: tuple[str, ...]
    link: Link = field(compare=False)

    @property
    def file_name(self) -> str:
        """The name in the cache."""
        joined = "\0".join(self.key).encode()
        return f"{hashlib.sha256(joined).hexdigest()}.{self.kind}"


def status_sources(link: Link) -> Iterator[StatusSource]:
    """Yield where the status of the certificate can be learned, the cheapest first."""
    issuer, certificate = link.issuer.fingerprint, link.certificate
    yield StatusSource("folder", (issuer,), (), link)
    if certificate.crl_urls:
        yield StatusSource("crl", (issuer, *certificate.crl_urls), certificate.crl_urls, link)
    if certificate.ocsp_urls:
        yield StatusSource("ocsp", (issuer, certificate.serial_hex), certificate.ocsp_urls, link)


@dataclass(slots=True)
class Inquiry:
    """The last inquiry to a source. Its times are by the clock of the event loop."""

    started: float
    task: asyncio.Task[None] | None = None
    due: float = 0.0


class Inquiries:
    """All inquiries: each puts its result into ``store`` and calls ``on_news``.

    It needs a running loop. ``timeout`` bounds an inquiry to a responder, ``recheck`` is when to
    ask again; both are in seconds.
    """

    def __init__(
        self,
        store: RevocationStore,
        *,
        folder: ListFolder | None,
        cache: RevocationCache,
        timeout: float,
        recheck: float,
        on_news: Callable[[], None],
    ) -> None:
        self._store = store
        self._folder = folder
        self._cache = cache
        self._timeout = timeout
        self._recheck = recheck
        self._on_news = on_news
        self._loop = asyncio.get_running_loop()
        # Imported here: a gateway that asks nobody does not load the HTTP library.
        from tunnel_gateway.revocation.fetch import Fetcher  # noqa: PLC0415

        self._fetcher = Fetcher()
        # Not the workers of the handshakes: a large list takes one for a second.
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="revocation")
        self._inquiries: OrderedDict[StatusSource, Inquiry] = OrderedDict()
        self._running: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Break off what is going on."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._fetcher.close()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def ask(self, source: StatusSource) -> Inquiry:
        """Return the running inquiry, or the last one if no new one is due; else start one."""
        inquiry = self._inquiries.get(source)
        first = inquiry is None
        if inquiry is None:
            inquiry = self._inquiries[source] = Inquiry(self._loop.time())
            while len(self._inquiries) > _MAX_REMEMBERED:
                self._inquiries.popitem(last=False)
        self._inquiries.move_to_end(source)
        if inquiry.task is None and self._loop.time() >= inquiry.due:
            inquiry.started = self._loop.time()
            inquiry.task = task = asyncio.create_task(self._run(source, inquiry, first))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return inquiry

    def renew_lists(self) -> None:
        """Ask again for every list that was asked for, if it is due."""
        for source in [source for source in self._inquiries if source.kind != "ocsp"]:
            self.ask(source)

    async def _run(self, source: StatusSource, inquiry: Inquiry, first: bool) -> None:
        inquiry.due = self._loop.time() + min(RETRY_SECONDS, self._recheck)
        try:
            if source.kind == "folder":
                await self._look_into_folder(source, inquiry)
            elif not first or not await self._recall(source, inquiry):
                await self._fetch(source, inquiry)
        except AddressRestsError as error:
            log.debug("revocation_data_not_had", detail=str(error))
        except RevocationDataError as error:
            about = source.link.certificate.label
            log.warning("revocation_data_not_had", about=about, detail=str(error))
        except Exception:
            log.exception("internal_error")
        finally:
            inquiry.task = None

    async def _look_into_folder(self, source: StatusSource, inquiry: Inquiry) -> None:
        if self._folder is not None:
            lists = await self._loop.run_in_executor(
                self._workers, self._folder.lists_of, source.link.issuer
            )
            for proven in lists:
                self._store.add_list(proven)
            if lists:
                self._on_news()
        inquiry.due = self._loop.time() + self._recheck

    async def _recall(self, source: StatusSource, inquiry: Inquiry) -> bool:
        """Take what an earlier process has fetched; False if there is nothing of use."""
        limit = _LIMITS[source.kind]
        kept = await self._loop.run_in_executor(
            self._workers, self._cache.read, source.file_name, limit
        )
        if kept is None:
            return False
        data, age = kept
        try:
            await self._take(source, inquiry, data, None)
        except RevocationDataError as error:
            log.debug("revocation_cache_not_used", detail=str(error))
            return False
        inquiry.due = min(inquiry.due, self._loop.time() + max(0.0, self._recheck - age))
        return True

    async def _fetch(self, source: StatusSource, inquiry: Inquiry) -> None:
        for left, url in zip(reversed(range(len(source.urls))), source.urls, strict=True):
            try:
                data = await self._fetch_from(url, source, inquiry)
            except RevocationDataError:
                if not left:
                    raise
            else:
                name = source.file_name
                await self._loop.run_in_executor(self._workers, self._cache.write, name, data)
                return

    async def _fetch_from(self, url: str, source: StatusSource, inquiry: Inquiry) -> bytes:
        limit = _LIMITS[source.kind]
        if source.kind == "crl":
            data = await self._fetcher.fetch(url, limit=limit, seconds=_LIST_SECONDS)
            nonce = None
        else:
            nonce = os.urandom(NONCE_SIZE)
            request = make_request(source.link.certificate, source.link.issuer, nonce)
            data = await self._fetcher.fetch(url, limit=limit, seconds=self._timeout, body=request)
        await self._take(source, inquiry, data, nonce)
        return data

    async def _take(
        self, source: StatusSource, inquiry: Inquiry, data: bytes, nonce: bytes | None
    ) -> None:
        """Check what came, in a worker, and keep it; raises RevocationDataError."""
        now = datetime.now(UTC)
        link = source.link
        if source.kind == "ocsp":
            answer = await self._loop.run_in_executor(
                self._workers, read_answer, data, link.certificate, link.issuer, now, nonce
            )
            self._store.add_answer(answer)
            expires, news = answer.expires, answer.revoked is not None
        else:
            proven = await self._loop.run_in_executor(self._workers, _read_list, data, link, now)
            self._store.add_list(proven)
            if entries := proven.content.passed_over:
                log.warning("crl_entries_passed_over", about=link.issuer.label, entries=entries)
            expires, news = proven.content.next_update, True
        half = (expires - now).total_seconds() / 2
        inquiry.due = self._loop.time() + max(_LEAST_SECONDS, min(self._recheck, half))
        if news:
            self._on_news()


def _read_list(data: bytes, link: Link, now: datetime) -> ProvenList:
    proven = RevocationList(data).proven_by(link.issuer)
    proven.content.check_current(now)
    return proven
