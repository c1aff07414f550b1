"""The standing of every certificate on a proven path, for a service that shows and judges them.

A user's certificate is asked about at the OCSP responder first, because its answer can be shown and
proves the verdict later. Lists are for when no responder answers, and for the certificates of
centres. A known status is given at once until its nextUpdate, and a user's only until
``Terms.recheck``. Other callers wait: at most ``Terms.timeout`` for each kind of source, from the
moment at which the inquiry began. If nobody answers in that time, the known status counts until its
nextUpdate.

Only a path that leads to a trust anchor makes the service ask: `of` takes a VerifiedPeer. So a
stranger cannot choose an address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Literal

from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.pki.status.revocation_store import Link, links
from tunnel_gateway.pki.status.standing import UNKNOWN, Knowledge, Standing
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.revocation.ask import Inquiries, Inquiry, wait_for_answers
from tunnel_gateway.revocation.status_sources import Kind, StatusSource, Terms, status_sources

# Some ten thousand answers of the usual size.
WHOLE_ANSWERS_SIZE: Final = 16 * 1024 * 1024

# How finely the recheck is measured.
_PARTS: Final = 10
_LISTS_FIRST: Final[tuple[tuple[Kind, ...], ...]] = (("folder", "crl"), ("ocsp",))
_ANSWERS_FIRST: Final[tuple[tuple[Kind, ...], ...]] = (("folder", "ocsp"), ("crl",))


class Statuses:
    """The statuses of certificates. Call `configure` first.

    ``inquiries`` are those of the daemon, if another service asks too.
    """

    def __init__(self, inquiries: Inquiries | None = None) -> None:
        self._inquiries = inquiries or Inquiries()
        self._store = self._inquiries.store
        self._terms: Terms | None = None
        self._user_stages = _ANSWERS_FIRST
        self._tasks: list[asyncio.Task[None]] = []

    def configure(self, terms: Terms, *, first: Literal["ocsp", "crl"] = "ocsp") -> None:
        """Ask under these ``terms`` from now on, in the running loop. Known statuses are kept.

        ``first`` is what is asked about a user's certificate: its responder, or the lists of its
        centre.
        """
        self._stop()
        self._inquiries.join(self, lambda: None)
        self._inquiries.forget()
        self._store.keep_whole_answers(WHOLE_ANSWERS_SIZE)
        self._terms = terms
        self._user_stages = _ANSWERS_FIRST if first == "ocsp" else _LISTS_FIRST
        self._tasks = [
            keep_running("revocation_data", self._renew),
            keep_running("revocation_cache", terms.cache.keep_small),
        ]

    async def close(self) -> None:
        """Stop asking."""
        tasks = self._stop()
        self._store.keep_whole_answers(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._inquiries.leave(self)

    def _stop(self) -> list[asyncio.Task[None]]:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        return tasks

    async def of(self, peer: VerifiedPeer) -> tuple[Standing, ...]:
        """Return the standing of each link of the path, leaf first and without the anchor.

        A status that nobody can say now is UNKNOWN, with the reason in ``missing``.
        """
        (standings,) = await self.of_each((peer,))
        return standings

    async def of_each(self, peers: Sequence[VerifiedPeer]) -> tuple[tuple[Standing, ...], ...]:
        """Return the standings of several paths, each as `of` does; all are asked at once."""
        paths = [links(peer.path) for peer in peers]
        standings = await self._learn(paths)
        return tuple(tuple(standings[_key(link)] for link in path) for path in paths)

    async def of_serial(self, serial: int, issuer: VerifiedPeer) -> Standing:
        """Return the standing of the certificate of ``issuer`` with this serial number.

        Nobody has seen the certificate. So only the addresses of the terms are asked, and a list
        counts as if the certificate had not expired.
        """
        unseen = replace(
            issuer.leaf,
            serial=serial,
            issuer=issuer.leaf.subject,
            is_ca=False,
            crl_urls=(),
            ocsp_urls=(),
        )
        (standing,) = (await self._learn([(Link(unseen, issuer.leaf),)])).values()
        return standing

    async def _learn(self, paths: Sequence[Sequence[Link]]) -> dict[tuple[int, int], Standing]:
        if self._terms is None:
            raise RuntimeError("the statuses are not configured")
        by_key: dict[tuple[int, int], _Question] = {}  # paths share their centres
        for path in paths:
            stages = self._user_stages
            for link in path:
                if _key(link) not in by_key:
                    by_key[_key(link)] = _Question(self._inquiries, self._terms, link, stages)
                stages = _LISTS_FIRST
        questions = by_key.values()
        known = [question.known() for question in questions]
        for question, standing in zip(questions, known, strict=True):
            if standing is not None:
                question.refresh()
        answered = tuple(standing for standing in known if standing is not None)
        if len(answered) == len(known):
            return dict(zip(by_key, answered, strict=True))
        learned = await asyncio.gather(*(question.learn() for question in questions))
        return dict(zip(by_key, learned, strict=True))

    async def _renew(self) -> None:
        """Keep the lists that were asked for up to date."""
        if self._terms is not None:
            self._inquiries.renew_lists()
            await asyncio.sleep(self._terms.recheck / _PARTS)

    def faults(self) -> Iterator[str]:
        """Yield which sources gave nothing of use when they were asked the last time, and why."""
        for fault in self._inquiries.faults():
            yield f"{fault}; see status.ocsp.url, status.crl.url and status.crl.dir"


class _Question:
    """One certificate, and the sources to ask about it: stage by stage, until one answers."""

    def __init__(
        self,
        inquiries: Inquiries,
        terms: Terms,
        link: Link,
        stages: tuple[tuple[Kind, ...], ...],
    ) -> None:
        sources = {source.kind: source for source in status_sources(link, terms)}
        self._inquiries = inquiries
        self._terms = terms
        self._link = link
        self._stages = [[sources[kind] for kind in stage if kind in sources] for stage in stages]
        self._is_shown = stages is _ANSWERS_FIRST and "ocsp" in sources

    def known(self) -> Standing | None:
        """Return the standing if nothing needs to be asked before it is given."""
        now = datetime.now(UTC)
        standing = self._inquiries.store.standing(self._link, now)
        if not _is_fresh(standing, now) or self._lacks_answer(standing) or self._is_due():
            return None
        return standing

    def refresh(self) -> None:
        """Ask for news without waiting, if they are due."""
        stages = self._stages
        if self._is_shown or self._inquiries.store.has_list(self._link, datetime.now(UTC)):
            stages = stages[:1]
        for stage in stages:
            for source in stage:
                self._inquiries.ask(source, self._terms)

    async def learn(self) -> Standing:
        """Ask until the status is known, or nobody is left who could answer in time."""
        asked: list[Inquiry] = []
        standing = UNKNOWN
        for stage in self._stages:
            inquiries = [self._ask(source) for source in stage]
            asked += inquiries
            await wait_for_answers(inquiries, self._terms.timeout, lambda: self.known() is not None)
            now = datetime.now(UTC)
            standing = self._inquiries.store.standing(self._link, now)
            if _is_fresh(standing, now):
                break
        if standing.knowledge is Knowledge.UNKNOWN:
            return replace(UNKNOWN, missing=self._missing(asked))
        return standing

    def _ask(self, source: StatusSource) -> Inquiry:
        anew = source.kind == "ocsp" and self._lacks_answer(UNKNOWN)
        return self._inquiries.ask(source, self._terms, anew=anew)

    def _lacks_answer(self, standing: Standing) -> bool:
        if not self._is_shown or standing.answer is not None:
            return False
        return not self._inquiries.store.has_whole_answer(self._link)

    def _is_due(self) -> bool:
        """Whether the responder has not been asked for so long that a caller waits for it again."""
        if not self._is_shown:
            return False  # the lists are renewed by themselves
        last = [self._inquiries.last(source) for source in self._stages[0] if source.urls]
        now = asyncio.get_running_loop().time()
        return any(
            inquiry is None
            or (inquiry.fault is None and now >= inquiry.ended + self._terms.recheck)
            for inquiry in last
        )

    def _missing(self, asked: list[Inquiry]) -> str:
        label = self._link.certificate.label
        if not asked:
            return (
                f"{label} names neither an OCSP responder nor a revocation list; set"
                " status.ocsp.url, status.crl.url or status.crl.dir"
            )
        faults = [_fault(inquiry, self._terms) for inquiry in asked]
        return f"whether {label} is revoked cannot be learned now: {'; '.join(faults)}"


def _key(link: Link) -> tuple[int, int]:
    """Return what tells a link from the others in one call: their certificates live that long."""
    return id(link.certificate), id(link.issuer)


def _is_fresh(standing: Standing, now: datetime) -> bool:
    if standing.knowledge is Knowledge.UNKNOWN:
        return False
    return standing.next_update_at is None or now <= standing.next_update_at


def _fault(inquiry: Inquiry, terms: Terms) -> str:
    source = inquiry.source
    if inquiry.fault is not None:
        return inquiry.fault
    if source.kind == "folder":
        return f"no current list of {source.link.issuer.label} in {terms.folder}"
    if inquiry.task is not None:
        return f"{source.urls[0]}: no answer in {terms.timeout:g} s"
    return f"{source.urls[0]}: nothing that counts for this certificate"
