"""Whether users are revoked: asked before a tunnel opens, and again while it is open.

A known status is looked up in memory. An unknown status is asked for, and a new tunnel waits for
the answer: at most ``tunnel.revocation.timeout`` from the moment at which the inquiry began. The
gateway asks only at addresses that a proven path names: `check` takes a VerifiedPeer.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Final, Protocol

from tunnel_gateway.config.tunnel import RevocationSettings
from tunnel_gateway.errors import (
    CertificateRevokedError,
    CertificateUncheckedError,
    TunnelGatewayError,
)
from tunnel_gateway.observability.background import GoOn, keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.revocation_store import Link, links
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.revocation.ask import Inquiries, Inquiry, wait_for_answers
from tunnel_gateway.revocation.cache import RevocationCache
from tunnel_gateway.revocation.status_sources import Terms, status_sources

log = get_logger(__name__)

# How finely the recheck is measured.
_PARTS: Final = 10
# How many open tunnels are looked at before others get a turn.
_AT_ONCE: Final = 100
# As many as there are answers in the store.
_MAX_FRESH: Final = 65536


class Stoppable(Protocol):
    """An open tunnel."""

    def stop(self, error: TunnelGatewayError) -> None:
        """End now and tell the client why."""


@dataclass(slots=True)
class _Work:
    """The work under one configuration."""

    mode: str
    terms: Terms
    tasks: list[asyncio.Task[None]]

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def load_client(settings: RevocationSettings) -> None:
    """Load the HTTP library if ``settings`` need it. It takes a while: call it in a thread."""
    if settings.mode != "off":
        import_module("tunnel_gateway.daemon.fetch")


class Revocation:
    """The status of users and of our own domains. Does nothing until ``configure``.

    ``inquiries`` are those of the daemon, if another service asks too.
    """

    def __init__(self, inquiries: Inquiries | None = None) -> None:
        self._inquiries = inquiries or Inquiries()
        self._store = self._inquiries.store
        self._work: _Work | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._watched: dict[Stoppable, VerifiedPeer] = {}
        self._own: Mapping[str, VerifiedPeer] = {}
        self._warned: set[str] = set()
        self._fresh_until: OrderedDict[str, float] = OrderedDict()
        self._news = asyncio.Event()

    def configure(self, settings: RevocationSettings, own: Mapping[str, VerifiedPeer]) -> None:
        """Use ``settings`` from now on, in the running loop. Known statuses are kept.

        ``own`` are the paths of our own domains, by name: their faults are logged.
        """
        self._own = own
        self._warned.clear()
        self._fresh_until.clear()
        if self._work is not None:
            self._close(self._work.close())
            self._work = None
            if settings.mode == "off":
                self._close(self._inquiries.leave(self))
        if settings.mode == "off":
            return
        self._inquiries.join(self, self._news.set)
        self._inquiries.forget()
        cache = RevocationCache(settings.cache_dir)
        terms = Terms(settings.timeout, settings.recheck, cache, settings.crl_dir)
        self._work = _Work(settings.mode, terms, [])
        self._work.tasks += [
            keep_running("revocation_data", partial(self._renew, self._work)),
            keep_running("revoked_tunnels", self._enforce),
            keep_running("revocation_cache", cache.keep_small),
        ]
        for peer in self._watched.values():
            self._freshen(self._work, peer)
        self._news.set()

    def _close(self, closing: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Stop asking and watching."""
        if self._work is not None:
            await self._work.close()
            self._work = None
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._inquiries.leave(self)

    async def check(self, peer: VerifiedPeer) -> None:
        """Return if ``peer`` may have a tunnel.

        Raises CertificateRevokedError, or, in the mode hard, CertificateUncheckedError for a
        status that cannot be learned.
        """
        work = self._work
        if work is None:
            return
        try:
            unknown = self._unknown(peer)
        finally:
            self._freshen(work, peer)
        if unknown:
            unknown = await self._learn(work, peer, unknown)
        if not unknown:
            return
        text = f"whether {unknown[0].certificate.label} is revoked cannot be learned now"
        if work.mode == "hard":
            raise CertificateUncheckedError(text)
        log.warning("revocation_unknown", detail=text)

    def lists(self) -> tuple[RevocationList, ...]:
        """Return the revocation lists that are known."""
        return self._store.lists()

    def watch(self, tunnel: Stoppable, peer: VerifiedPeer) -> None:
        """Stop ``tunnel`` when it comes out that ``peer`` was revoked; until ``unwatch``."""
        self._watched[tunnel] = peer  # also while it is off: a reload may switch it on

    def unwatch(self, tunnel: Stoppable) -> None:
        """Forget a tunnel, whether it was watched or not."""
        self._watched.pop(tunnel, None)

    def _freshen(self, work: _Work, peer: VerifiedPeer) -> None:
        """Ask for news about a peer, without waiting, if the last time is long enough ago."""
        now = asyncio.get_running_loop().time()
        name = peer.leaf.fingerprint
        if now < self._fresh_until.get(name, 0.0):
            return
        self._fresh_until[name] = now + work.terms.recheck
        self._fresh_until.move_to_end(name)
        while len(self._fresh_until) > _MAX_FRESH:
            self._fresh_until.popitem(last=False)
        for link in links(peer.path):
            self._ask(work, link)

    def _ask(self, work: _Work, link: Link) -> list[Inquiry]:
        listed = self._store.has_list(link, datetime.now(UTC))
        # A list serves all users of a centre; a responder is asked about each of them.
        return [
            self._inquiries.ask(source, work.terms)
            for source in status_sources(link, work.terms)
            if source.kind != "ocsp" or not listed
        ]

    async def _learn(
        self, work: _Work, peer: VerifiedPeer, unknown: tuple[Link, ...]
    ) -> tuple[Link, ...]:
        """Wait until every status is known, or until no more answers can come in time."""
        inquiries = [inquiry for link in unknown for inquiry in self._ask(work, link)]
        await wait_for_answers(inquiries, work.terms.timeout, lambda: not self._unknown(peer))
        return self._unknown(peer)

    def _unknown(self, peer: VerifiedPeer) -> tuple[Link, ...]:
        return self._store.unknown(peer.path, datetime.now(UTC))

    # --- meanwhile -------------------------------------------------------------------------

    async def _renew(self, work: _Work) -> None:
        """Keep lists, and the answers about open tunnels and own domains, up to date."""
        for peer in (*self._own.values(), *self._watched.values()):
            self._freshen(work, peer)
        self._inquiries.renew_lists()
        await asyncio.sleep(work.terms.recheck / _PARTS)

    async def _enforce(self) -> None:
        """Wait until something new is known, and look at every open tunnel."""
        await self._news.wait()
        self._news.clear()
        with GoOn("revoked_tunnels"):
            self._warn_of_own()
        for number, (tunnel, peer) in enumerate(list(self._watched.items())):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            with GoOn("revoked_tunnels"):
                self._enforce_one(tunnel, peer)

    def _enforce_one(self, tunnel: Stoppable, peer: VerifiedPeer) -> None:
        try:
            self._unknown(peer)
        except CertificateRevokedError as error:
            self.unwatch(tunnel)
            tunnel.stop(error)

    def _warn_of_own(self) -> None:
        for domain, peer in self._own.items():
            try:
                self._unknown(peer)
            except CertificateRevokedError as error:
                if domain not in self._warned:
                    self._warned.add(domain)
                    log.warning("domain_certificate_revoked", domain=domain, detail=str(error))
