"""A message verified, for all methods that do so: bytes in, outcomes and views out.

The signatures, the chains and the views are work for the threads. The statuses of the certificates
are asked on the loop after that, and only for signatures that are right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tunnel_gateway.cms.judging import judge
from tunnel_gateway.cms.signed_data import SignedData, parse_signed_data
from tunnel_gateway.cms.verdicts import ChainVerdict, MessageVerdict, SignerVerdict
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.status.standing import Standing
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer
from tunnel_gateway.rest.answers import Base64
from tunnel_gateway.rest.call import Caller
from tunnel_gateway.rest.outcomes import SignerOutcome, deciding, signer_outcome
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal
from tunnel_gateway.rest.views.certificate_view import CertificateViews, View
from tunnel_gateway.rest.views.chain_view import ChainView, chain_view
from tunnel_gateway.rest.views.signer_view import signer_view
from tunnel_gateway.rest.working import Threads


class Statuses(Protocol):
    """Where the statuses of certificates are asked."""

    async def of(self, peer: VerifiedPeer) -> tuple[Standing, ...]:
        """Return the status of each link of the path, leaf first, without the trust anchor."""

    async def of_each(self, peers: Sequence[VerifiedPeer]) -> tuple[tuple[Standing, ...], ...]:
        """Return the same for several paths."""

    async def of_serial(self, serial: int, issuer: VerifiedPeer) -> Standing:
        """Return the status of the certificate of an issuer with this serial number."""


class KnownStandings:
    """The statuses on the paths of one message."""

    def __init__(self, by_path: Mapping[int, tuple[Standing, ...]]) -> None:
        self._by_path = by_path

    def of(self, chain: ChainVerdict | None) -> tuple[Standing, ...]:
        """Return the statuses on a path, leaf first; empty if nobody asked for them."""
        if chain is None or chain.peer is None:
            return ()
        return self._by_path.get(id(chain.peer), ())


@dataclass(frozen=True, slots=True)
class Verified:
    """A message whose every signer was judged.

    ``digest`` (32 bytes) is that of the document. ``content`` is the document inside the message,
    None if the message is detached. ``signers`` are the views of ``outcomes``.
    """

    digest: bytes
    content: bytes | memoryview | None
    outcomes: tuple[SignerOutcome, ...]
    signers: list[View]

    def fields(self, *, with_content: bool) -> Fields:
        """Return the fields of a successful answer. Raises Refusal if the message is not valid."""
        info: View = {"signers": self.signers}
        if with_content and self.content is not None:
            info["documentBase64"] = Base64(self.content)
        worst = deciding(self.outcomes)
        if worst is None or worst.finding is None:
            return {"pkcs7Info": info}
        failed = self.signers[self.outcomes.index(worst)]
        raise Refusal(
            worst.finding.reason,
            worst.finding.detail,
            {"pkcs7Info": info, "failedSignerInfo": failed},
        )

    def first_peer(self) -> VerifiedPeer:
        """Return the proof of the first signer. Raises Refusal if the message is not valid."""
        worst = deciding(self.outcomes)
        if worst is not None and worst.finding is not None:
            raise Refusal(worst.finding.reason, worst.finding.detail)
        chain = self.outcomes[0].verdict.chain
        if chain is None or chain.peer is None:  # which would be a finding
            raise Refusal(Reason.CERTIFICATE_UNTRUSTED)
        return chain.peer


@dataclass(frozen=True, slots=True)
class Examined:
    """The result of a thread: the verdict, and the views of the chains of each signer."""

    digest: bytes
    verdict: MessageVerdict
    chains: list[tuple[ChainView, ChainView]]


class Verifier:
    """Verifies messages against the trust anchors of ``validator``."""

    def __init__(
        self,
        threads: Threads,
        validator: ChainValidator,
        statuses: Statuses,
        clock: Callable[[], datetime],
        *,
        stamp_required: bool = False,
    ) -> None:
        self.threads = threads
        self.validator = validator
        self.views = CertificateViews()
        self.clock = clock
        self.statuses = statuses
        self._stamp_required = stamp_required

    async def verify(
        self,
        caller: Caller,
        message: bytes,
        *,
        document: bytes | None = None,
        document_digest: bytes | None = None,
    ) -> Verified:
        """Verify a message, with its document or the digest of that if it is detached.

        Raises Refusal if the message cannot be read, or if there is no document.
        """
        size = len(message) + len(document or b"")
        examined = await self.threads.run(
            caller, size, self._examine, message, document, document_digest
        )
        verdict = examined.verdict
        standings = await self.standings(verdict.signers)
        outcomes = tuple(
            signer_outcome(
                signer,
                standings.of(signer.chain),
                standings.of(signer.stamp.chain if signer.stamp else None),
                stamp_required=self._stamp_required,
            )
            for signer in verdict.signers
        )
        views = [
            signer_view(outcome, *chains)
            for outcome, chains in zip(outcomes, examined.chains, strict=True)
        ]
        return Verified(examined.digest, verdict.content, outcomes, views)

    def _examine(
        self, message: bytes, document: bytes | None, document_digest: bytes | None
    ) -> Examined:
        signed = parse_signed_data(message)
        if document_digest is None:
            content = signed.content if document is None else document
            if content is None:
                raise Refusal(Reason.NO_DOCUMENT, "the message is detached from its document")
            document_digest = digest(content)
        verdict = judge(signed, document_digest, self.validator, self.clock())
        chains = [self._chain_views(signer, signed) for signer in verdict.signers]
        return Examined(document_digest, verdict, chains)

    def _chain_views(
        self, signer: SignerVerdict, signed: SignedData
    ) -> tuple[ChainView, ChainView]:
        stamp = signer.stamp
        token = () if stamp is None or stamp.stamp is None else stamp.stamp.signed.certificates
        return (
            chain_view(signer.chain, signed.certificates, self.views),
            chain_view(stamp.chain if stamp else None, token, self.views),
        )

    async def standings_of(self, chain: ChainVerdict) -> tuple[Standing, ...]:
        """Ask for the statuses on one path, leaf first; without a path nobody is asked."""
        return () if chain.peer is None else await self.statuses.of(chain.peer)

    async def standings(self, signers: Sequence[SignerVerdict]) -> KnownStandings:
        """Ask for the statuses on each path that a right signature needs."""
        peers: dict[int, VerifiedPeer] = {}
        for signer in signers:
            stamp = signer.stamp
            if signer.verified and signer.chain and signer.chain.peer:
                peers[id(signer.chain.peer)] = signer.chain.peer
            if stamp and stamp.verified and stamp.chain and stamp.chain.peer:
                peers[id(stamp.chain.peer)] = stamp.chain.peer
        found = await self.statuses.of_each(tuple(peers.values()))
        return KnownStandings(dict(zip(peers, found, strict=True)))
