"""The meaning of a verdict and the known statuses together: a reason, or success.

This is the one place that decides it. A signer can have several faults. Each fault gives a reason,
and the most basic reason counts: ``statuses.Reason`` has them in their order. The most basic reason
of all signers is the reason of the answer.

A certificate that was revoked after the time that counts is still good for the signature, but only
if a time stamp proves this time. A signer's own word about the time proves nothing, because a thief
of the key can say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain as chained
from itertools import repeat
from types import MappingProxyType
from typing import Final

from tunnel_gateway.cms.verdicts import ChainVerdict, SignerVerdict, Step, TimeStampVerdict
from tunnel_gateway.errors import CertificateUnsuitableError
from tunnel_gateway.pki.certificates.certificate import format_time
from tunnel_gateway.pki.status.standing import Knowledge, Standing
from tunnel_gateway.rest.statuses import Reason, most_basic

# RFC 3161, section 4: after a revocation for one of these reasons the older time stamps stay valid.
# After any other, and without a reason, no time stamp of the authority can be believed.
_HARMLESS: Final = frozenset(
    {"unspecified", "affiliationChanged", "superseded", "cessationOfOperation"}
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: the stable ``reason``, and in English what it is about."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CertificateOutcome:
    """The facts of the certificate of a signer, or of a time stamp authority.

    ``verified``: its chain leads to a trust anchor, it is for this purpose, and the status of all
    certificates of the chain is known and good. ``valid_at_time``: it was valid, and not revoked,
    at the time that counts. ``standing`` is the status of the certificate itself, None if nobody
    asked for it.
    """

    verified: bool
    valid_at_time: bool
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class StampOutcome:
    """A time stamp, and its most basic fault; without a fault it proves its time."""

    verdict: TimeStampVerdict
    certificate: CertificateOutcome
    finding: Finding | None


@dataclass(frozen=True, slots=True)
class SignerOutcome:
    """A signer with their time stamp.

    ``own`` is the most basic fault that is not the time stamp's, ``finding`` the most basic of all.
    """

    verdict: SignerVerdict
    certificate: CertificateOutcome
    stamp: StampOutcome | None
    own: Finding | None
    finding: Finding | None


def signer_outcome(
    verdict: SignerVerdict,
    standings: Sequence[Standing],
    stamp_standings: Sequence[Standing] = (),
    *,
    stamp_required: bool = False,
) -> SignerOutcome:
    """Judge one signer.

    ``standings`` are the statuses on the signer's path, leaf first and without the trust anchor;
    ``stamp_standings`` are those on the path of the time stamp's authority. A status that is not
    there is not known.
    """
    stamp = None if verdict.stamp is None else _stamp_outcome(verdict.stamp, stamp_standings)
    # A stamp of which only the status is unknown does not excuse anything either: the answer says
    # that the status is unknown. But the signer's certificate is judged at the time of the stamp.
    proven = verdict.time if stamp is not None and _proves(stamp) else None
    own = [
        *_faults_of_steps(verdict, _OF_SIGNER_STEPS),
        *_chain_faults(verdict.chain, standings, _SIGNER, lambda _: proven),
    ]
    certificate = _certificate_outcome(verdict.chain, standings, own)
    if stamp is None and stamp_required:
        own.append(Finding(Reason.STAMP_MISSING, f"of the signer {verdict.signer.serial_hex}"))
    every = [*own, stamp.finding] if stamp is not None and stamp.finding is not None else own
    return SignerOutcome(
        verdict=verdict,
        certificate=certificate,
        stamp=stamp,
        own=_most_basic(own),
        finding=_most_basic(every),
    )


def chain_outcome(
    chain: ChainVerdict, standings: Sequence[Standing]
) -> tuple[CertificateOutcome, Finding | None]:
    """Judge a certificate without a signature, at the present time."""
    faults = list(_chain_faults(chain, standings, _SIGNER, lambda _: None))
    return _certificate_outcome(chain, standings, faults), _most_basic(faults)


def serial_finding(label: str, standing: Standing) -> Finding | None:
    """Return the fault of a certificate of which only the status is known."""
    if standing.knowledge is Knowledge.UNKNOWN:
        return Finding(Reason.STATUS_UNKNOWN, standing.missing or label)
    if standing.knowledge is Knowledge.REVOKED:
        return Finding(Reason.CERTIFICATE_REVOKED, _revoked(label, standing))
    return None


def signature_finding(verdict: SignerVerdict) -> Finding | None:
    """Return what is wrong with a signature itself; None if digest and signature are right."""
    wrong = Finding(Reason.SIGNATURE_WRONG)
    return None if verdict.verified else next(_faults_of_steps(verdict, _OF_SIGNER_STEPS), wrong)


def deciding(outcomes: Iterable[SignerOutcome]) -> SignerOutcome | None:
    """Return the signer whose fault decides the answer; None if nobody has a fault."""
    failed = [outcome for outcome in outcomes if outcome.finding is not None]
    winner = _most_basic([outcome.finding for outcome in failed if outcome.finding is not None])
    return next((outcome for outcome in failed if outcome.finding is winner), None)


def _most_basic(findings: Sequence[Finding]) -> Finding | None:
    winner = most_basic(finding.reason for finding in findings)
    return next((finding for finding in findings if finding.reason is winner), None)


def _faults_of_steps(
    verdict: SignerVerdict | TimeStampVerdict, reasons: Mapping[Step, Reason]
) -> Iterator[Finding]:
    if verdict.failed is not None and verdict.failed in reasons:
        yield Finding(reasons[verdict.failed], str(verdict.fault))


def _stamp_outcome(verdict: TimeStampVerdict, standings: Sequence[Standing]) -> StampOutcome:
    time = None if verdict.stamp is None else verdict.stamp.time

    def trusted_time(standing: Standing) -> datetime | None:
        return time if standing.reason in _HARMLESS else None

    unread = Reason.STAMP_MALFORMED if verdict.stamp is None else Reason.STAMP_OF_OTHER_SIGNATURE
    reasons = {Step.STAMP_IMPRINT: unread, **_OF_STAMP_STEPS}
    faults = [
        *_faults_of_steps(verdict, reasons),
        *_chain_faults(verdict.chain, standings, _STAMP, trusted_time),
    ]
    return StampOutcome(
        verdict=verdict,
        certificate=_certificate_outcome(verdict.chain, standings, faults),
        finding=_most_basic(faults),
    )


def _proves(stamp: StampOutcome) -> bool:
    return stamp.finding is None or stamp.finding.reason is Reason.STAMP_STATUS_UNKNOWN


# The reasons of the steps that are not about a path; ``_chain_faults`` knows more of paths.
_OF_SIGNER_STEPS: Final[Mapping[Step, Reason]] = MappingProxyType(
    {
        Step.CERTIFICATE: Reason.CERTIFICATE_MISSING,
        Step.DOCUMENT: Reason.DOCUMENT_CHANGED,
        Step.SIGNATURE: Reason.SIGNATURE_WRONG,
        Step.VALIDITY: Reason.CERTIFICATE_EXPIRED,
    }
)
_OF_STAMP_STEPS: Final[Mapping[Step, Reason]] = MappingProxyType(
    {
        Step.STAMP_SIGNATURE: Reason.STAMP_SIGNATURE_WRONG,
        Step.STAMP_VALIDITY: Reason.STAMP_CERTIFICATE_EXPIRED,
    }
)

# --- chains --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reasons:
    """The reasons that a chain can give: of a signer, or of a time stamp authority."""

    untrusted: Reason
    unsuitable: Reason
    revoked: Reason
    expired: Reason
    revoked_then: Reason
    unknown: Reason


_SIGNER: Final = _Reasons(
    untrusted=Reason.CERTIFICATE_UNTRUSTED,
    unsuitable=Reason.CERTIFICATE_UNSUITABLE,
    revoked=Reason.CERTIFICATE_REVOKED,
    expired=Reason.CERTIFICATE_EXPIRED,
    revoked_then=Reason.CERTIFICATE_REVOKED_THEN,
    unknown=Reason.STATUS_UNKNOWN,
)
_STAMP: Final = _Reasons(
    untrusted=Reason.STAMP_CERTIFICATE_UNTRUSTED,
    unsuitable=Reason.STAMP_CERTIFICATE_UNSUITABLE,
    revoked=Reason.STAMP_CERTIFICATE_REVOKED,
    expired=Reason.STAMP_CERTIFICATE_EXPIRED,
    revoked_then=Reason.STAMP_CERTIFICATE_REVOKED_THEN,
    unknown=Reason.STAMP_STATUS_UNKNOWN,
)
# With one of these the certificate cannot be believed in, or nobody can tell.
_AGAINST_TRUST: Final = frozenset(
    reason
    for of in (_SIGNER, _STAMP)
    for reason in (of.untrusted, of.unsuitable, of.revoked, of.unknown)
)
# With one of these it was not valid at the time that counts, or nobody can tell.
_AGAINST_TIME: Final = frozenset(
    reason for of in (_SIGNER, _STAMP) for reason in (of.revoked, of.expired, of.revoked_then)
)


def _chain_faults(
    chain: ChainVerdict | None,
    standings: Sequence[Standing],
    reasons: _Reasons,
    proven_time: Callable[[Standing], datetime | None],
) -> Iterator[Finding]:
    """Yield the faults of a chain.

    ``proven_time`` gives the time with which a revocation is compared, None if no time is proven.
    """
    if chain is None:
        return
    if chain.peer is None:
        unsuitable = isinstance(chain.fault, CertificateUnsuitableError)
        yield Finding(reasons.unsuitable if unsuitable else reasons.untrusted, str(chain.fault))
        return
    if not chain.valid_at_time:
        yield Finding(reasons.expired, str(chain.fault or chain.certificate.label))
    known = chained(standings, repeat(None))
    for certificate, standing in zip(chain.peer.path[:-1], known, strict=False):
        if standing is None or standing.knowledge is Knowledge.UNKNOWN:
            missing = None if standing is None else standing.missing
            yield Finding(reasons.unknown, missing or f"of the {certificate.label}")
        elif standing.knowledge is Knowledge.REVOKED:
            proven = proven_time(standing)
            if proven is not None and not standing.revoked_before(proven):
                continue
            then = proven is not None and certificate is chain.peer.leaf
            yield Finding(
                reasons.revoked_then if then else reasons.revoked,
                _revoked(certificate.label, standing),
            )


def _revoked(label: str, standing: Standing) -> str:
    since = "" if standing.revoked_at is None else f" since {format_time(standing.revoked_at)}"
    reason = "" if standing.reason is None else f" ({standing.reason})"
    return f"{label} is revoked{since}{reason}"


def _certificate_outcome(
    chain: ChainVerdict | None, standings: Sequence[Standing], faults: Sequence[Finding]
) -> CertificateOutcome:
    reasons = {finding.reason for finding in faults}
    return CertificateOutcome(
        verified=chain is not None and chain.peer is not None and not reasons & _AGAINST_TRUST,
        valid_at_time=chain is not None and chain.valid_at_time and not reasons & _AGAINST_TIME,
        standing=standings[0] if standings else None,
    )
