"""The REST service with all methods of its own, over real HTTP, with an authority that answers."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.centre import RunningCentre
from tests.support.messages import made
from tests.support.rest import Reply, Running, running
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.rest.challenges import OwnChallenges
from tunnel_gateway.rest.methods.auth import Auth
from tunnel_gateway.rest.methods.certificate_status import CertificateStatus
from tunnel_gateway.rest.methods.detach import Detach
from tunnel_gateway.rest.methods.join import Join
from tunnel_gateway.rest.methods.make_attached import MakeAttached
from tunnel_gateway.rest.methods.timestamp_data import TimestampData
from tunnel_gateway.rest.methods.timestamp_pkcs7 import TimestampPkcs7
from tunnel_gateway.rest.methods.verify_attached import VerifyAttached
from tunnel_gateway.rest.methods.verify_detached import VerifyDetached
from tunnel_gateway.rest.methods.verify_digest import VerifyDigest
from tunnel_gateway.rest.methods.verify_many import VerifyMany
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.time_stamp_client import TimeStampClient, TimeStampTerms
from tunnel_gateway.rest.verification import Verifier
from tunnel_gateway.rest.working import Threads
from tunnel_gateway.revocation.cache import RevocationCache
from tunnel_gateway.revocation.standings import Statuses
from tunnel_gateway.revocation.status_sources import Terms

AUTH = "/backend/auth"
ATTACHED = "/backend/pkcs7/verify/attached"
DETACHED = "/backend/pkcs7/verify/detached"
BY_DIGEST = "/backend/pkcs7/verify/digest"
MANY = "/backend/pkcs7/verify/many"
STAMP = "/frontend/timestamp/pkcs7"
STAMP_DATA = "/frontend/timestamp/data"
ATTACH = "/frontend/pkcs7/make-attached"
JOIN = "/frontend/pkcs7/join"
DETACH = "/frontend/pkcs7/detach"
CERTIFICATE = "/backend/certificate/status"


@dataclass
class RestSite:
    """A running service, the authority behind it, and its challenges."""

    run: Running
    centre: RunningCentre
    challenges: OwnChallenges

    async def post(self, path: str, *parts: bytes, **headers: str) -> Reply:
        """Call a method as the guide says."""
        return await self.run.call("POST", path, b"|".join(map(b64encode, parts)), **headers)

    async def answer(self, path: str, *parts: bytes, **headers: str) -> dict[str, Any]:
        """Return the answer of a call, which must come with HTTP 200."""
        reply = await self.post(path, *parts, **headers)
        assert reply.code == 200, reply.json
        return reply.json

    async def status(self, path: str, *parts: bytes) -> tuple[int, str | None]:
        """Return the status and the reason of such an answer."""
        answer = await self.answer(path, *parts)
        return answer["status"], answer.get("reason")

    def sign(self, content: bytes, identity: Identity, **changes: Any) -> bytes:
        """A message signed now."""
        return made(content, identity, **{"signing_time": datetime.now(UTC)} | changes).der


@asynccontextmanager
async def rest_site(
    centre: RunningCentre,
    *,
    tsp_url: str | None = "",
    window: timedelta = timedelta(minutes=5),
    validator: ChainValidator | None = None,
    **terms: Any,
) -> AsyncIterator[RestSite]:
    """Run the service with the roots of ``centre``; an empty ``tsp_url`` is the centre's own."""
    validator = validator or centre.validator()
    threads, executor = Threads(), ThreadPoolExecutor(1)
    statuses = Statuses()
    settings: dict[str, Any] = {"timeout": 5.0, "recheck": 600.0, "cache": RevocationCache(None)}
    statuses.configure(Terms(**settings | terms))
    url = centre.services.tsa if tsp_url == "" else tsp_url
    authority = TimeStampClient(TimeStampTerms(url), validator, executor, statuses)
    verifier = Verifier(threads, validator, statuses, lambda: datetime.now(UTC))
    records = Records(Audit())
    challenges = OwnChallenges(120, 1000, time.monotonic)
    methods = (
        Auth(verifier, challenges, records, window),
        CertificateStatus(verifier),
        Detach(threads),
        Join(threads),
        MakeAttached(threads),
        TimestampData(threads, authority),
        TimestampPkcs7(verifier, authority),
        VerifyAttached(verifier, records),
        VerifyDetached(verifier, records),
        VerifyDigest(verifier, records),
        VerifyMany(verifier, records),
    )
    try:
        async with running(methods) as run:
            yield RestSite(run, centre, challenges)
    finally:
        await authority.close()
        await statuses.close()
        threads.close()
        executor.shutdown()
