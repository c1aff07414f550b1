"""The verification of signed messages, in numbered steps: data in, verdicts out.

For each signer, in this order:

1. CERTIFICATE: the signer's certificate is in the message, and it has a national key.
2. DOCUMENT: the digest of the document is the one that was signed.
3. SIGNATURE: the signature is right by the key of the certificate.

For each time stamp beside the signature, until one proves its time:

4. STAMP_IMPRINT: it can be read, its imprint is the digest of the signature, and its message digest
   that of its own content.
5. STAMP_SIGNATURE: one authority has signed it, by the certificate that it names and brings.
6. STAMP_PATH: a path leads from that certificate to a trust anchor, and its purpose is to stamp.
7. STAMP_VALIDITY: that path is valid at the time that it says, and this time has come.

Then for the signer:

8. PATH: a path leads from the certificate to a trust anchor, and it may sign documents.
9. VALIDITY: that path is valid at the time that counts: the time of the first time stamp that
   proves one, or else the time that the signer claims.

A step that fails does not end the others: each gives its answer, as far as there is one. The most
basic one that failed names the fault (``verdicts.MOST_BASIC_FIRST``). A fault of the content is
never raised. Revocation is not a step: it takes data that are not in the message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, ParamSpec, TypeVar

from tunnel_gateway.cms.shown_certificates import ShownCertificates
from tunnel_gateway.cms.signed_data import SignedData, Signer
from tunnel_gateway.cms.signer_checks import check_digest, check_signature, not_valid_at
from tunnel_gateway.cms.time_stamp import (
    check_content,
    check_imprint,
    check_named_certificate,
    parse_time_stamp,
)
from tunnel_gateway.cms.verdicts import (
    ChainVerdict,
    MessageVerdict,
    SignerVerdict,
    Step,
    TimeStampVerdict,
    most_basic,
)
from tunnel_gateway.errors import (
    CertificateError,
    CertificateExpiredError,
    SignedDataError,
    TimeStampError,
    TunnelGatewayError,
)
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.kept_errors import let_go
from tunnel_gateway.pki.certificates.certificate import Certificate, format_time
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer

# The clock of an authority may be ahead of the clock here.
MAX_AHEAD: Final = timedelta(minutes=5)

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Verify = Callable[[Sequence[bytes], datetime], VerifiedPeer]


def document_digest(message: SignedData, document: bytes | None = None) -> bytes:
    """Return the digest (32 bytes) of the document inside, or of the document given.

    Raises SignedDataError if there is no document, or if there are two.
    """
    if message.content is not None and document is not None:
        raise SignedDataError("the message has its document inside; another one was given too")
    either = document if message.content is None else message.content
    if either is None:
        raise SignedDataError("the message is detached; its document must be given")
    return digest(either)


def judge(
    message: SignedData, digest: bytes, validator: ChainValidator, now: datetime
) -> MessageVerdict:
    """Go through the steps for every signer of a message.

    ``digest`` is the digest of the document (32 bytes), ``now`` an aware moment. Raises
    SignedDataError for a message without a signer, and nothing for any other fault of its content.
    """
    if not message.signers:
        raise SignedDataError("nobody has signed it")
    shown = ShownCertificates(message.certificates)
    signers = tuple(
        _judge_signer(signer, shown, digest, validator, now) for signer in message.signers
    )
    certificates = {
        certificate.der: certificate
        for signer in signers
        if signer.chain is not None
        for certificate in signer.chain.certificates
    }
    return MessageVerdict(message.content, signers, tuple(certificates.values()))


def judge_certificate(
    chain: Sequence[bytes], validator: ChainValidator, at: datetime
) -> ChainVerdict:
    """Judge a certificate alone at the aware time ``at``; ``chain`` is in DER, leaf first.

    It may be the certificate of a user, of a time stamp authority, or of a centre. Raises
    CertificateUnsuitableError for a leaf that is not a certificate with a national key.
    """
    owner = _Owner(validator.certificate(chain[0]), chain)
    centre = owner.certificate.may_issue
    verify = validator.verify_centre if centre else validator.verify_signer
    return _judge_chain(owner, verify, validator, at)


def judge_time_stamp(
    token: bytes, imprint: bytes, validator: ChainValidator, now: datetime
) -> TimeStampVerdict:
    """Go through steps 4 to 7 for a token; ``now`` is an aware moment.

    ``imprint`` is the digest (32 bytes) of the signature beside which the token stands.
    """
    steps = _Steps()
    stamp = steps.attempt(Step.STAMP_IMPRINT, parse_time_stamp, token)
    if stamp is None:
        return TimeStampVerdict(None, False, False, None, *steps.worst())
    steps.attempt(Step.STAMP_IMPRINT, check_imprint, stamp, imprint)
    steps.attempt(Step.STAMP_IMPRINT, check_content, stamp)
    digest_verified = not steps.faults
    shown = ShownCertificates(stamp.signed.certificates)
    owner = steps.attempt(Step.STAMP_SIGNATURE, _find_owner, stamp.signer, shown, validator)
    if owner is not None:
        steps.attempt(Step.STAMP_SIGNATURE, check_signature, stamp.signer, owner.certificate)
        steps.attempt(Step.STAMP_SIGNATURE, check_named_certificate, stamp, owner.certificate)
    verified = not steps.faults
    chain = None
    if owner is not None:
        verify = validator.verify_time_stamp_authority
        chain = _judge_chain(owner, verify, validator, stamp.time)
        steps.note_chain(Step.STAMP_PATH, Step.STAMP_VALIDITY, chain)
    if stamp.time - now > MAX_AHEAD:
        early = TimeStampError(f"the time of the time stamp, {format_time(stamp.time)}, is to come")
        steps.note(Step.STAMP_VALIDITY, early)
    return TimeStampVerdict(stamp, digest_verified, verified, chain, *steps.worst())


class _Owner(NamedTuple):
    """The certificate of a signer, and the chain in DER that may lead from it to an anchor."""

    certificate: Certificate
    chain: Sequence[bytes]


def _find_owner(signer: Signer, shown: ShownCertificates, validator: ChainValidator) -> _Owner:
    outline = shown.of_signer(signer)
    return _Owner(validator.certificate(outline.der), shown.chain(outline))


class _Steps:
    """The steps that failed so far, each with its first fault."""

    def __init__(self) -> None:
        self.faults: dict[Step, TunnelGatewayError] = {}

    def attempt(
        self, step: Step, check: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T | None:
        """Return what the check returns, or None if it raised the fault of the step."""
        try:
            return check(*args, **kwargs)
        except TunnelGatewayError as error:
            let_go(error)
            self.note(step, error)
            return None

    def note(self, step: Step, fault: TunnelGatewayError | None) -> None:
        if fault is not None:
            self.faults.setdefault(step, fault)

    def note_chain(self, path: Step, validity: Step, chain: ChainVerdict) -> None:
        self.note(path if chain.peer is None else validity, chain.fault)

    def worst(self) -> tuple[Step | None, TunnelGatewayError | None]:
        """Return the most basic step that failed, and its fault."""
        step = most_basic(self.faults)
        return step, None if step is None else self.faults[step]


def _judge_signer(
    signer: Signer,
    shown: ShownCertificates,
    digest: bytes,
    validator: ChainValidator,
    now: datetime,
) -> SignerVerdict:
    steps = _Steps()
    owner = steps.attempt(Step.CERTIFICATE, _find_owner, signer, shown, validator)
    steps.attempt(Step.DOCUMENT, check_digest, signer, digest)
    if owner is not None:
        steps.attempt(Step.SIGNATURE, check_signature, signer, owner.certificate)
    verified = not steps.faults
    stamp = _judge_time_stamps(signer, validator, now)
    if stamp is not None and stamp.failed is not None:
        steps.note(stamp.failed, stamp.fault)
    time = _time_that_counts(signer, stamp)
    chain = None
    if owner is not None:
        chain = _judge_chain(owner, validator.verify_signer, validator, time)
        steps.note_chain(Step.PATH, Step.VALIDITY, chain)
    if time is None:
        silent = SignedDataError("neither a time stamp nor the signer says when it was signed")
        steps.note(Step.VALIDITY, silent)
    digest_verified = Step.DOCUMENT not in steps.faults
    return SignerVerdict(signer, digest_verified, verified, chain, time, stamp, *steps.worst())


def _judge_time_stamps(
    signer: Signer, validator: ChainValidator, now: datetime
) -> TimeStampVerdict | None:
    """Return the verdict of the first token that proves its time, or else of the first token."""
    if not signer.time_stamps:
        return None
    first, imprint = None, digest(signer.signature)
    for token in signer.time_stamps:
        verdict = judge_time_stamp(token, imprint, validator, now)
        if verdict.failed is None:
            return verdict
        first = first or verdict
    return first


def _time_that_counts(signer: Signer, stamp: TimeStampVerdict | None) -> datetime | None:
    if stamp is not None and stamp.stamp is not None and stamp.failed is None:
        return stamp.stamp.time
    return signer.signing_time


def _judge_chain(
    owner: _Owner, verify: _Verify, validator: ChainValidator, at: datetime | None
) -> ChainVerdict:
    """Find the path at the time that counts, or else at a time within the certificate's life."""
    leaf, chain = owner
    fault: CertificateError | None = None
    moments = [leaf.not_before, leaf.not_after]
    # Outside of its own life a certificate has no path, and the search for one takes milliseconds.
    if at is not None and leaf.not_before <= at <= leaf.not_after:
        moments.insert(0, at)
    for moment in moments:
        try:
            peer = verify(chain, moment)
        except CertificateError as error:
            let_go(error)
            fault = fault or error
            if not isinstance(error, CertificateExpiredError):
                fault = error
                break
        else:
            if at is not None and moment != at:
                fault = not_valid_at(peer.path, at)
            return ChainVerdict(leaf, peer.path, peer, fault, moment == at)
    issuers = (_read_shown(der, validator) for der in chain[1:])
    certificates = (leaf, *(issuer for issuer in issuers if issuer is not None))
    return ChainVerdict(leaf, certificates, None, fault, False)


def _read_shown(der: bytes, validator: ChainValidator) -> Certificate | None:
    try:
        return validator.certificate(der)
    except CertificateError:
        return None
