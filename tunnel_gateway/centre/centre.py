"""The answers of a centre, without a socket: bytes and a time in, bytes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from asn1crypto import tsp

from tunnel_gateway.cms import stamping
from tunnel_gateway.errors import FileError
from tunnel_gateway.pki import responding
from tunnel_gateway.pki.authority import TIME_STAMP_POLICY, Authority
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import ber
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.listing import issue_list
from tunnel_gateway.pki.responding import Responder, Status
from tunnel_gateway.pki.services import CENTRE_NAME, ROOT_NAME, Services
from tunnel_gateway.pki.status.revoked_info import RevokedInfo

# How long an answer or a list counts. A centre's lists count for days: here a change is seen soon.
LIFE: Final = timedelta(minutes=1)
# OpenSSL refuses a list of the future, and the clock that it reads is a few milliseconds behind.
_CLOCKS_APART: Final = timedelta(seconds=5)


class Register(Protocol):
    """The certificates that an authority has issued and revoked.

    ``issuer`` is "root" or "centre".
    """

    def is_issued(self, issuer: str, serial: int) -> bool:
        """Tell whether a certificate with this serial number was issued."""

    def revocations(self, issuer: str) -> Mapping[int, RevokedInfo]:
        """Return the revoked serial numbers."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in DER, and what it says, for a log."""

    der: bytes
    said: str


class Centre:
    """An authority that answers for its root and for its centre.

    The root answers for itself. For the centre the delegated ``responder`` answers, and
    ``time_stamper`` stamps. ``entropy`` gives as many random bytes as it is asked for.
    """

    def __init__(
        self,
        authority: Authority,
        *,
        responder: Identity,
        time_stamper: Identity,
        register: Register,
        entropy: Callable[[int], bytes],
    ) -> None:
        services = authority.services
        if services is None:
            raise FileError(
                "the certificates of this authority name no address to answer at; make a new"
                " authority with pki init"
            )
        self.services: Services = services
        self._register = register
        self._entropy = entropy
        self._time_stamper = time_stamper
        self._issuers = {ROOT_NAME: authority.root, CENTRE_NAME: authority.centre}
        self._names = {identity.leaf.fingerprint: name for name, identity in self._issuers.items()}
        self._responders = (
            Responder(authority.centre.leaf, responder),
            Responder(authority.root.leaf, authority.root),
        )

    @property
    def issuers(self) -> tuple[str, ...]:
        """The names of its issuers."""
        return tuple(self._issuers)

    def answer_status(self, request: bytes, now: datetime) -> Reply:
        """Answer a request for the status of certificates (RFC 6960)."""
        answer, said = responding.answer_request(
            request,
            self._responders,
            self._look_up,
            now=now,
            next_update=now + LIFE,
            entropy=self._entropy,
        )
        return Reply(answer, said)

    def stamp(self, request: bytes, now: datetime) -> Reply:
        """Answer a request for a time stamp (RFC 3161)."""
        answer = stamping.answer_request(
            request,
            self._time_stamper,
            policy=TIME_STAMP_POLICY,
            time=now,
            entropy=self._entropy,
            address=self.services.tsa,
        )
        status = tsp.PKIStatusInfo.load(bytes(ber.read(answer).children(2)[0].whole)).native
        return Reply(answer, "; ".join([status["status"], *(status["status_string"] or ())]))

    def list_of(self, issuer: str, now: datetime) -> Reply:
        """Return the revocation list of an issuer, signed now."""
        revoked = self._register.revocations(issuer)
        moment = now.replace(microsecond=0)
        data = issue_list(
            self._issuers[issuer],
            revoked,
            this_update=moment - _CLOCKS_APART,
            next_update=moment + LIFE,
            entropy=self._entropy,
        )
        return Reply(data, f"{len(revoked)} revoked")

    def certificate_of(self, issuer: str) -> Reply:
        """Return the certificate of an issuer."""
        leaf = self._issuers[issuer].leaf
        return Reply(leaf.der, leaf.subject)

    def _look_up(self, issuer: Certificate, serial: int) -> Status:
        name = self._names[issuer.fingerprint]
        return Status(
            self._register.is_issued(name, serial), self._register.revocations(name).get(serial)
        )
