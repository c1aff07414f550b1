"""Inquiries about the status of certificates: shared, remembered, and not on the event loop.

All services of a daemon ask here, each under its own terms. Tasks that ask the same at the same
time share one inquiry. An inquiry is repeated when it is due: some time after a success, so that
news are seen, and earlier after a failure. Until then a dead responder costs no other user a wait.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from tunnel_gateway.daemon.resting import (
    FIRST_REST_SECONDS,
    LAST_REST_SECONDS,
    AddressRestsError,
    FetchError,
)
from tunnel_gateway.errors import RevocationDataError
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.pki.status.crl import MAX_LIST_SIZE, ProvenList, RevocationList
from tunnel_gateway.pki.status.ocsp import (
    MAX_ANSWER_SIZE,
    MEDIA_TYPE,
    NONCE_SIZE,
    CertificateUnknownError,
    make_request,
    read_answer,
)
from tunnel_gateway.pki.status.revocation_store import Link, RevocationStore
from tunnel_gateway.revocation.list_folder import ListFolder
from tunnel_gateway.revocation.status_sources import Kind, StatusSource, Terms

if TYPE_CHECKING:
    from tunnel_gateway.daemon.fetch import Fetcher

log = get_logger(__name__)
_T = TypeVar("_T")

# A large list over a slow line; nobody waits that long for it.
_LIST_SECONDS: Final = 30.0
# As many as there are answers in the store.
_MAX_REMEMBERED: Final = 65536
# A centre has a few addresses.
_MAX_FAULTS: Final = 64

_LIMITS: Final = {"crl": MAX_LIST_SIZE, "ocsp": MAX_ANSWER_SIZE}
# Data that expire soon are asked for again half-way, but not in a busy loop.
_LEAST_SECONDS: Final[dict[Kind, float]] = {"folder": 0.0, "crl": 5.0, "ocsp": 1.0}


@dataclass(slots=True)
class Inquiry:
    """The last inquiry to a source. Its times are by the clock of the event loop.

    ``rest`` is for how many seconds after ``ended`` its result is enough, and ``fault`` why it gave
    nothing of use.
    """

    source: StatusSource
    started: float
    task: asyncio.Task[None] | None = None
    ended: float = float("-inf")
    rest: float = 0.0
    fault: str | None = None

    def due(self, recheck: float) -> float:
        """Return when to ask again."""
        return self.ended + max(_LEAST_SECONDS[self.source.kind], min(self.rest, recheck))

    def fail(self, fault: str) -> None:
        """Let it rest: longer with each failure in a row."""
        last = FIRST_REST_SECONDS / 2 if self.fault is None else self.rest
        self.rest = min(2 * last, LAST_REST_SECONDS)
        self.fault = fault


class Inquiries:
    """All inquiries of a daemon: each puts its result into ``store`` and tells the services.

    A service calls `join` before it asks, and `leave` when it will not ask any more.
    """

    def __init__(self) -> None:
        self.store = RevocationStore()
        self._services: dict[object, Callable[[], None]] = {}
        self._inquiries: OrderedDict[StatusSource, tuple[Inquiry, Terms]] = OrderedDict()
        self._folders: dict[Path, ListFolder] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._faults: OrderedDict[tuple[str, ...], str] = OrderedDict()
        self._used_fetcher: Fetcher | None = None
        self._workers: ThreadPoolExecutor | None = None

    def join(self, service: object, on_news: Callable[[], None]) -> None:
        """Serve a service from now on; ``on_news`` is called when something new is known."""
        self._services[service] = on_news

    def leave(self, service: object) -> Coroutine[None, None, None]:
        """Forget a service at once. If it was the last, the result breaks off what is going on."""
        self._services.pop(service, None)
        return self._end_unused()

    async def _end_unused(self) -> None:
        if self._services:
            return
        running = set(self._running)
        for task in running:
            task.cancel()
        self._inquiries.clear()
        fetcher, self._used_fetcher = self._used_fetcher, None
        workers, self._workers = self._workers, None
        await asyncio.gather(*running, return_exceptions=True)
        if fetcher is not None:
            await fetcher.close()
        if workers is not None:
            workers.shutdown(wait=False, cancel_futures=True)

    def forget(self) -> None:
        """Ask every source again when somebody needs it. The known statuses are kept."""
        self._inquiries.clear()
        self._faults.clear()
        self._folders.clear()
        if self._used_fetcher is not None:
            self._used_fetcher.forget()

    def ask(self, source: StatusSource, terms: Terms, *, anew: bool = False) -> Inquiry:
        """Return the running inquiry, or the last one if no new one is due; else start one.

        If ``anew``, an inquiry that had a result is due at once: the result is not enough.
        """
        loop = asyncio.get_running_loop()
        inquiry, _ = self._inquiries.get(source, (None, None))
        first = inquiry is None
        if inquiry is None:
            inquiry = Inquiry(source, loop.time())
        self._inquiries[source] = inquiry, terms
        self._inquiries.move_to_end(source)
        while len(self._inquiries) > _MAX_REMEMBERED:
            self._inquiries.popitem(last=False)
        recheck = 0.0 if anew and inquiry.fault is None else terms.recheck
        if inquiry.task is None and loop.time() >= inquiry.due(recheck):
            inquiry.started = loop.time()
            inquiry.task = task = asyncio.create_task(self._run(inquiry, terms, first))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return inquiry

    def last(self, source: StatusSource) -> Inquiry | None:
        """Return the last inquiry to a source, None if it was not asked."""
        inquiry, _ = self._inquiries.get(source, (None, None))
        return inquiry

    def renew_lists(self) -> None:
        """Ask again for every list that was asked for, if it is due."""
        for source, (_, terms) in list(self._inquiries.items()):
            if source.kind != "ocsp":
                self.ask(source, terms)

    def faults(self) -> tuple[str, ...]:
        """Return why sources gave nothing when they were asked the last time, a text for each."""
        return tuple(self._faults.values())

    async def _run(self, inquiry: Inquiry, terms: Terms, first: bool) -> None:
        source = inquiry.source
        try:
            if source.kind == "folder":
                await self._look_into_folder(source, terms)
                inquiry.rest = terms.recheck
            elif not first or not await self._recall(inquiry, terms):
                await self._fetch(inquiry, terms)
            inquiry.fault = None
            self._faults.pop(_address(source), None)
        except (FetchError, RevocationDataError) as error:
            self._note(inquiry, error)
        except Exception:
            inquiry.fail("internal error")
            log.exception("internal_error")
        finally:
            inquiry.ended = asyncio.get_running_loop().time()
            inquiry.task = None

    def _note(self, inquiry: Inquiry, error: FetchError | RevocationDataError) -> None:
        source, text = inquiry.source, str(error)
        inquiry.fail(text)
        if isinstance(error, AddressRestsError):
            log.debug("revocation_data_not_had", detail=text)
            return
        log.warning("revocation_data_not_had", about=source.link.certificate.label, detail=text)
        if not isinstance(error, CertificateUnknownError):
            self._faults[_address(source)] = text
            while len(self._faults) > _MAX_FAULTS:
                self._faults.popitem(last=False)

    def _tell(self) -> None:
        for on_news in self._services.values():
            on_news()

    async def _look_into_folder(self, source: StatusSource, terms: Terms) -> None:
        if terms.folder is None:
            return
        folder = self._folders.setdefault(terms.folder, ListFolder(terms.folder))
        lists = await self._work(folder.lists_of, source.link.issuer)
        for proven in lists:
            self.store.add_list(proven)
        if lists:
            self._tell()

    async def _recall(self, inquiry: Inquiry, terms: Terms) -> bool:
        """Take what an earlier process has fetched; False if there is nothing of use."""
        source = inquiry.source
        kept = await self._work(terms.cache.read, source.file_name, _LIMITS[source.kind])
        if kept is None:
            return False
        data, age = kept
        try:
            await self._take(inquiry, data, None)
        except RevocationDataError as error:
            log.debug("revocation_cache_not_used", detail=str(error))
            return False
        if not inquiry.rest:  # it has expired
            return False
        inquiry.rest = min(inquiry.rest, max(0.0, terms.recheck - age))
        return True

    async def _fetch(self, inquiry: Inquiry, terms: Terms) -> None:
        source = inquiry.source
        for left, url in zip(reversed(range(len(source.urls))), source.urls, strict=True):
            try:
                data = await self._fetch_from(url, inquiry, terms)
            except (FetchError, RevocationDataError):
                if not left:
                    raise
            else:
                await self._work(terms.cache.write, source.file_name, data)
                return

    async def _fetch_from(self, url: str, inquiry: Inquiry, terms: Terms) -> bytes:
        source = inquiry.source
        limit, post, nonce, seconds = _LIMITS[source.kind], None, None, _LIST_SECONDS
        if source.kind == "ocsp":
            nonce, seconds = os.urandom(NONCE_SIZE), terms.timeout
            request = make_request(source.link.certificate, source.link.issuer, nonce)
            post = request, MEDIA_TYPE
        data = await self._fetcher().fetch(url, limit=limit, seconds=seconds, post=post)
        await self._take(inquiry, data, nonce)
        return data

    async def _take(self, inquiry: Inquiry, data: bytes, nonce: bytes | None) -> None:
        """Check what came, in a worker, and keep it; raises RevocationDataError."""
        now = datetime.now(UTC)
        link = inquiry.source.link
        if inquiry.source.kind == "ocsp":
            answer = await self._work(read_answer, data, link.certificate, link.issuer, now, nonce)
            self.store.add_answer(answer, data)
            expires, news = answer.expires, answer.revoked is not None
        else:
            proven = await self._work(_read_list, data, link, now)
            self.store.add_list(proven)
            if entries := proven.content.passed_over:
                log.warning("crl_entries_passed_over", about=link.issuer.label, entries=entries)
            expires, news = proven.content.next_update, True
        inquiry.rest = max(0.0, (expires - now).total_seconds() / 2)
        if news:
            self._tell()

    def _fetcher(self) -> Fetcher:
        if self._used_fetcher is None:
            # Imported here: a gateway that asks nobody does not load the HTTP library.
            from tunnel_gateway.daemon.fetch import Fetcher  # noqa: PLC0415

            self._used_fetcher = Fetcher()
        return self._used_fetcher

    async def _work(self, function: Callable[..., _T], *arguments: object) -> _T:
        if self._workers is None:
            # Not the workers of the handshakes: a large list takes one for a second.
            self._workers = ThreadPoolExecutor(2, thread_name_prefix="revocation")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, function, *arguments)


async def wait_for_answers(
    inquiries: Iterable[Inquiry], seconds: float, is_enough: Callable[[], bool]
) -> None:
    """Wait until it ``is_enough``, or until no more answers can come in time.

    The time, ``seconds``, begins with each inquiry: an inquiry that is late already does not make
    the next users wait again.
    """
    loop = asyncio.get_running_loop()
    while not is_enough():
        pending = {one.task: one.started + seconds for one in inquiries if one.task is not None}
        left = max(pending.values(), default=0.0) - loop.time()
        if left <= 0:
            return
        await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)


def _address(source: StatusSource) -> tuple[str, ...]:
    return source.kind, *source.urls


def _read_list(data: bytes, link: Link, now: datetime) -> ProvenList:
    proven = RevocationList(data).proven_by(link.issuer)
    proven.content.check_current(now)
    return proven
