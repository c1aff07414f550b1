"""A development authority that answers on the loopback, in this process, on a thread of its own.

::

    with running_centre() as centre:
        user = centre.issue_user()
        centre.revoke(user, "keyCompromise")

Its certificates are made now, with addresses that really answer: OCSP, lists, certificates, time
stamps. One lasts for a module or longer; ``revoke`` and ``forget`` are about one certificate each,
so tests that issue their own users do not disturb each other.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.loopback import TIME_LIMIT
from tests.support.pki import PERSON
from tunnel_gateway.centre.centre import Centre
from tunnel_gateway.centre.centre_server import CentreServer
from tunnel_gateway.pki.authority import (
    CENTRE,
    DOMAIN,
    ROOT,
    STATUS_ANSWERS,
    TIME_STAMPS,
    USER,
    Authority,
    Person,
    Profile,
)
from tunnel_gateway.pki.certificates.certificate import Certificate, to_pem
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.services import CENTRE_NAME, HOST, Services
from tunnel_gateway.pki.status.revoked_info import RevokedInfo
from tunnel_gateway.pki.trust.validation import ChainValidator


class Answer(NamedTuple):
    """What came back, with two of its headers: Content-Type and Cache-Control."""

    status: int
    kind: str
    body: bytes
    cached: str | None


def ask(services: Services, method: str, path: str, body: bytes | None = None) -> Answer:
    """Ask an authority that answers, in this process or in another one."""
    asking = http.client.HTTPConnection(HOST, services.port, timeout=TIME_LIMIT)
    with closing(asking):
        asking.request(method, path, body)
        answer = asking.getresponse()
        kind, cached = answer.headers["Content-Type"], answer.headers["Cache-Control"]
        return Answer(answer.status, kind, answer.read(), cached)


class MemoryRegister:
    """What the authority has issued and revoked, by issuer and serial number."""

    def __init__(self) -> None:
        self.issued: set[tuple[str, int]] = set()
        self.revoked: dict[str, dict[int, RevokedInfo]] = {}

    def is_issued(self, issuer: str, serial: int) -> bool:
        return (issuer, serial) in self.issued

    def revocations(self, issuer: str) -> Mapping[int, RevokedInfo]:
        return dict(self.revoked.get(issuer, {}))


class RunningCentre:
    """The authority and its server. ``**profile`` are the curve and the family of all keys."""

    def __init__(self, **profile: Any) -> None:
        self._profile = profile
        self._socket = socket.create_server((HOST, 0))
        self.services = Services(self._socket.getsockname()[1])
        self.register = MemoryRegister()
        self.authority = Authority.create(
            now=_now(),
            entropy=os.urandom,
            root=self._of(ROOT),
            centre=self._of(CENTRE),
            services=self.services,
        )
        self.register.issued.add(("root", self.authority.centre.leaf.serial))
        self.time_stamper = self._issued(
            self.authority.issue_time_stamper(
                now=_now(), entropy=os.urandom, profile=self._of(TIME_STAMPS)
            )
        )
        self.responder = self._issued(
            self.authority.issue_responder(
                now=_now(), entropy=os.urandom, profile=self._of(STATUS_ANSWERS)
            )
        )
        self.centre = Centre(
            self.authority,
            responder=self.responder,
            time_stamper=self.time_stamper,
            register=self.register,
            entropy=os.urandom,
        )
        self._loop: asyncio.AbstractEventLoop
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(TIME_LIMIT)

    def _of(self, base: Profile, **changes: Any) -> Profile:
        return replace(base, **self._profile | changes)

    def _issued(self, identity: Identity) -> Identity:
        self.register.issued.add((CENTRE_NAME, identity.leaf.serial))
        return identity

    def adopt(self, identity: Identity) -> None:
        """Know a certificate that the same authority has issued elsewhere."""
        self._issued(identity)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = CentreServer(self.centre, self._socket)
        await server.start()
        self._started.set()
        await self._stop.wait()
        await server.close()

    @property
    def root(self) -> Certificate:
        """The certificate to trust."""
        return self.authority.root.leaf

    def validator(self) -> ChainValidator:
        """One that trusts this authority."""
        return ChainValidator([self.root])

    def write_truststore(self, path: Path) -> Path:
        """Write the root as PEM, for ``tsp.jks.file.path`` or ``tunnel.truststore.file``."""
        path.write_bytes(to_pem([self.root]))
        return path

    def issue_user(self, person: Person = PERSON, **changes: Any) -> Identity:
        """A new user; ``changes`` are fields of the profile, e.g. ``not_after=…``."""
        return self._issued(
            self.authority.issue_user(
                person, now=_now(), entropy=os.urandom, profile=self._of(USER, **changes)
            )
        )

    def issue_domain(self, name: str = "example.uz", **changes: Any) -> Identity:
        """A new domain, in the same way."""
        return self._issued(
            self.authority.issue_domain(
                name, now=_now(), entropy=os.urandom, profile=self._of(DOMAIN, **changes)
            )
        )

    def revoke(
        self,
        identity: Identity | Certificate,
        reason: str | None = None,
        since: datetime | None = None,
    ) -> None:
        """Revoke from now on, or ``since`` then; a reason is a word of RFC 5280."""
        issuer, serial = self._named(identity)
        moment = since or _now().replace(microsecond=0)
        self.register.revoked.setdefault(issuer, {})[serial] = RevokedInfo(moment, reason)

    def suspend(self, identity: Identity | Certificate) -> None:
        """Revoke it until ``restore``."""
        self.revoke(identity, "certificateHold")

    def restore(self, identity: Identity | Certificate) -> None:
        """Take a revocation back."""
        issuer, serial = self._named(identity)
        self.register.revoked.get(issuer, {}).pop(serial, None)

    def forget(self, identity: Identity | Certificate) -> None:
        """Let the status be unknown from now on."""
        self.register.issued.discard(self._named(identity))

    def _named(self, identity: Identity | Certificate) -> tuple[str, int]:
        leaf = identity.leaf if isinstance(identity, Identity) else identity
        return ("root" if leaf.names(self.root) else CENTRE_NAME), leaf.serial

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Ask the server."""
        return ask(self.services, method, path, body)

    def stop(self) -> None:
        """Answer no more; a second call does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(TIME_LIMIT)


@contextmanager
def running_centre(**profile: Any) -> Iterator[RunningCentre]:
    """A centre that answers until the block ends."""
    centre = RunningCentre(**profile)
    try:
        yield centre
    finally:
        centre.stop()


def _now() -> datetime:
    return datetime.now(UTC)
