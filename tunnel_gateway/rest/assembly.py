"""The methods of the service, and the parts that they share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from tunnel_gateway.config.rest import MobileSettings, StampSettings, StatusSettings
from tunnel_gateway.daemon.admin.health import VERSION
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.rest.call import Method
from tunnel_gateway.rest.methods.auth import Auth
from tunnel_gateway.rest.methods.certificate_status import CertificateStatus
from tunnel_gateway.rest.methods.challenge import Challenge
from tunnel_gateway.rest.methods.detach import Detach
from tunnel_gateway.rest.methods.info import Info
from tunnel_gateway.rest.methods.join import Join
from tunnel_gateway.rest.methods.make_attached import MakeAttached
from tunnel_gateway.rest.methods.mobile_auth import MobileAuth
from tunnel_gateway.rest.methods.mobile_authenticate import MobileAuthenticate
from tunnel_gateway.rest.methods.mobile_sign import MobileSign
from tunnel_gateway.rest.methods.mobile_status import MobileStatus
from tunnel_gateway.rest.methods.mobile_upload import MobileUpload
from tunnel_gateway.rest.methods.mobile_verify import MobileVerify
from tunnel_gateway.rest.methods.openapi import Description, OpenApi, OpenApiPage
from tunnel_gateway.rest.methods.ping import Ping
from tunnel_gateway.rest.methods.timestamp_data import TimestampData
from tunnel_gateway.rest.methods.timestamp_pkcs7 import TimestampPkcs7
from tunnel_gateway.rest.methods.verify_attached import VerifyAttached
from tunnel_gateway.rest.methods.verify_detached import VerifyDetached
from tunnel_gateway.rest.methods.verify_digest import VerifyDigest
from tunnel_gateway.rest.methods.verify_many import VerifyMany
from tunnel_gateway.rest.mobile.counted_documents import CountedDocuments
from tunnel_gateway.rest.mobile.guesses import Guesses
from tunnel_gateway.rest.mobile.message_shares import MessageShares
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.rest_material import RestMaterial
from tunnel_gateway.rest.rest_metrics import CountedChallenges
from tunnel_gateway.rest.stamp_requests import StampRequests
from tunnel_gateway.rest.time_stamp_client import TimeStampClient, TimeStampTerms
from tunnel_gateway.rest.time_stamping import TimeStamping
from tunnel_gateway.rest.verification import Verifier
from tunnel_gateway.rest.working import Threads
from tunnel_gateway.revocation.ask import Inquiries
from tunnel_gateway.revocation.cache import RevocationCache
from tunnel_gateway.revocation.standings import Statuses
from tunnel_gateway.revocation.status_sources import Terms

# A connection to the time stamping authority stands within this part of its time.
_CONNECT_PART: Final = 0.3


class Assembly:
    """Makes the methods of a material. The loop must run.

    ``inquiries`` are those of the daemon, so that all its services ask each source once.
    ``beside_tunnels`` tells whether the daemon serves tunnels too.
    """

    def __init__(
        self,
        audit: Audit,
        challenges: CountedChallenges,
        documents: CountedDocuments | None,
        inquiries: Inquiries | None,
        *,
        beside_tunnels: bool,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._challenges = challenges
        self._documents = documents
        self._site_id: str | None = None
        self._guesses = Guesses(time.monotonic)
        self._shares = MessageShares(time.monotonic)
        self._clock = clock
        self._threads = Threads(beside_tunnels=beside_tunnels)
        self._statuses = Statuses(inquiries)
        self._records = Records(audit)
        self._authority: TimeStampClient | None = None
        self._material: RestMaterial | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many steps wait for a thread."""
        return self._threads.waiting

    def methods(self, material: RestMaterial) -> list[Method]:
        """Return the methods of this material; calls in progress keep those before."""
        config = material.config
        before, self._material = self._material, material
        if before is None:  # another number needs a restart
            self._site_id = config.mobile.site_id
        if before is None or before.config.status != config.status:
            self._statuses.configure(_status_terms(config.status))
        authority = self._authority_of(material, before)
        stamps = StampRequests(authority, config.stamps.timeout)
        verifier = Verifier(
            self._threads,
            material.validator,
            self._statuses,
            self._clock,
            stamp_required=config.stamps.required,
        )
        stamping = TimeStamping(verifier, stamps)
        window = timedelta(minutes=config.auth_minutes)
        methods: list[Method] = [
            Ping(self._clock),
            Info(VERSION, material.trust_anchors, self._clock),
            Challenge(self._challenges, config.challenges.seconds),
            Auth(verifier, self._challenges, self._records, window),
            TimestampPkcs7(stamping),
            TimestampData(self._threads, stamps),
            VerifyAttached(verifier, self._records),
            VerifyDetached(verifier, self._records),
            MakeAttached(self._threads),
            Join(self._threads),
            Detach(self._threads),
            VerifyDigest(verifier, self._records),
            VerifyMany(verifier, self._records),
            CertificateStatus(verifier),
            *self._mobile_methods(config.mobile, verifier, stamping, window),
        ]
        description = Description(methods, VERSION)
        return [*methods, OpenApi(description), OpenApiPage(description)]

    def _mobile_methods(
        self,
        mobile: MobileSettings,
        verifier: Verifier,
        stamping: TimeStamping,
        window: timedelta,
    ) -> Iterator[Method]:
        """Yield the methods for phones, if the site has a number in the vendor's system."""
        documents, records, guesses = self._documents, self._records, self._guesses
        if self._site_id is None or documents is None:
            return
        yield MobileAuth(self._site_id, documents, mobile.ttl)
        yield MobileSign(self._site_id, documents, stamping.stamps, mobile.ttl)
        yield MobileStatus(documents, guesses)
        known = mobile.upload_from is not None
        yield MobileUpload(
            verifier,
            documents,
            None if known else guesses,
            self._shares,
            records,
            mobile.ttl,
            window,
        )
        yield MobileAuthenticate(verifier, documents, records, window)
        yield MobileVerify(verifier, documents, stamping, records)

    def _authority_of(self, material: RestMaterial, before: RestMaterial | None) -> TimeStampClient:
        same = (
            before is not None
            and before.config.stamps == material.config.stamps
            and before.validator is material.validator
        )
        if self._authority is not None and same:
            return self._authority
        if self._authority is not None:
            self._close_later(self._authority, 2 * material.config.stamps.timeout)
        self._authority = TimeStampClient(
            _stamp_terms(material.config.stamps),
            material.validator,
            self._threads.steps(),
            self._statuses,
        )
        return self._authority

    def _close_later(self, authority: TimeStampClient, seconds: float) -> None:
        """Close what calls in progress may still use, when they have had their time."""

        async def close() -> None:
            try:
                await asyncio.sleep(seconds)
            finally:
                await authority.close()

        task = asyncio.create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def faults(self) -> Iterator[str]:
        """Yield which sources of statuses and time stamps are missing or fail."""
        yield from self._statuses.faults()
        if self._authority is not None:
            yield from self._authority.faults()

    async def close(self) -> None:
        """End the work of all parts."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        if self._authority is not None:
            await self._authority.close()
        await self._statuses.close()
        self._threads.close()


def _status_terms(status: StatusSettings) -> Terms:
    return Terms(
        timeout=status.timeout,
        recheck=status.recheck,
        cache=RevocationCache(status.cache_dir),
        folder=status.crl_dir,
        ocsp_urls=(status.ocsp_url,) if status.ocsp_url else (),
        crl_urls=(status.crl_url,) if status.crl_url else (),
    )


def _stamp_terms(stamps: StampSettings) -> TimeStampTerms:
    return TimeStampTerms(stamps.url, _CONNECT_PART * stamps.timeout, stamps.timeout)
