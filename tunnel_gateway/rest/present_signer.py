"""A signer judged at the present time, whatever the signer or a time stamp says: for sign-ins.

A sign-in is about now. So the certificate must be valid now, and a time stamp changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tunnel_gateway.cms.judging import judge
from tunnel_gateway.cms.signed_data import SignedData
from tunnel_gateway.cms.verdicts import SignerVerdict
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.pki.certificates.certificate import format_time
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.rest.outcomes import Finding, signature_finding, signer_outcome
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.verification import Verifier


@dataclass(frozen=True, slots=True)
class PresentSigner:
    """The only signer of a message; ``claimed`` is the signer's own word about the time."""

    verdict: SignerVerdict
    claimed: datetime | None

    @property
    def peer(self) -> VerifiedPeer | None:
        """The proof that the certificate leads to a trust anchor; it may have expired."""
        return self.verdict.chain.peer if self.verdict.chain else None

    def expect_right_signature(self) -> None:
        """Raise Refusal if the digest or the signature is wrong."""
        if finding := signature_finding(self.verdict):
            raise Refusal(finding.reason, finding.detail)

    def expect_time(self, now: datetime, window: timedelta) -> None:
        """Raise Refusal if the signer's clock was further than ``window`` from ``now``."""
        claimed = self.claimed
        if claimed is None or abs(now - claimed) > window:
            said = "without a time" if claimed is None else f"at {format_time(claimed)}"
            raise Refusal(Reason.SIGNING_TIME_OFF, f"signed {said}; here it is {format_time(now)}")

    def expect_trusted(self) -> VerifiedPeer:
        """Return the proven signer, whose certificate may have ended. Raises Refusal: untrusted."""
        if self.peer is not None:
            return self.peer
        finding = signer_outcome(self.verdict, ()).finding
        finding = finding or Finding(Reason.CERTIFICATE_UNTRUSTED)
        raise Refusal(finding.reason, finding.detail)

    async def expect_good_certificate(self, verifier: Verifier) -> VerifiedPeer:
        """Return the proven signer. Raises Refusal: untrusted, expired, revoked, not known."""
        standings = await verifier.standings([self.verdict])
        outcome = signer_outcome(self.verdict, standings.of(self.verdict.chain))
        if self.peer is None or outcome.finding is not None:
            finding = outcome.finding or Finding(Reason.CERTIFICATE_UNTRUSTED)
            raise Refusal(finding.reason, finding.detail)
        return self.peer


def judge_present(verifier: Verifier, signed: SignedData, document_digest: bytes) -> PresentSigner:
    """Judge the signer of a document with this digest (32 bytes).

    Raises SignedDataError if the message has more than one signer, or none.
    """
    if len(signed.signers) != 1:
        raise SignedDataError(f"it must have one signer, and not {len(signed.signers)}")
    (signer,) = signed.signers
    now = verifier.clock()
    present = replace(signed, signers=(replace(signer, signing_time=now, time_stamps=()),))
    verdict = judge(present, document_digest, verifier.validator, now)
    return PresentSigner(verdict.signers[0], signer.signing_time)
