"""Verifying a signed message: digests, signatures, time stamps, and the signers' certificates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tunnel_gateway.cms.signed_data import SignedData, Signer
from tunnel_gateway.cms.signer_checks import (
    certificate_of,
    chain_of,
    check_signature,
    check_valid_at,
)
from tunnel_gateway.cms.time_stamp import VerifiedTimeStamp, parse_time_stamp, verify_time_stamp
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer


@dataclass(frozen=True, slots=True)
class VerifiedSigner:
    """A signature that is right, and the ``certificate`` of its ``signer``.

    ``signing_time`` is the time of the time stamp, or else what the signer says. ``stamp`` and
    ``peer``, the path to the trust anchor, are None if the caller gave no trust anchors; ``stamp``
    also if there is no time stamp.
    """

    signer: Signer
    certificate: Certificate
    signing_time: datetime
    stamp: VerifiedTimeStamp | None
    peer: VerifiedPeer | None


def verify(
    signed: SignedData,
    *,
    content: bytes | None = None,
    validator: ChainValidator | None = None,
    at: datetime | None = None,
) -> tuple[VerifiedSigner, ...]:
    """Check every signature; returns the signers, at least one, in the order of the message.

    ``content`` is the document of a detached message; leave it out if the message holds its
    document. With a ``validator``, each time stamp must be genuine, and each signer's certificate
    must lead to its trust anchors at the time ``at``. Without ``at`` that is the time of signing:
    the time stamp's, or else the signer's own. Revocation is not checked.

    Raises SignedDataError if there is nothing to check or the document is missing;
    BadSignedDataError if a digest or a signature is wrong; TimeStampError if a time stamp is; and
    CertificateError if a certificate is not accepted, for example because it was not valid at the
    time of signing.
    """
    if not signed.signers:
        raise SignedDataError("nobody has signed it")
    actual = digest(_document(signed, content))
    return tuple(_verify_signer(signed, signer, actual, validator, at) for signer in signed.signers)


def _document(signed: SignedData, content: bytes | None) -> bytes:
    if signed.content is not None and content is not None:
        raise SignedDataError("the message has its document inside; another one was given too")
    either = content if signed.content is None else signed.content
    if either is None:
        raise SignedDataError("the message is detached; its document must be given")
    return either


def _verify_signer(
    signed: SignedData,
    signer: Signer,
    actual: bytes,
    validator: ChainValidator | None,
    at: datetime | None,
) -> VerifiedSigner:
    certificate = certificate_of(signer, signed.certificates)
    check_signature(signer, certificate, actual)
    stamp = None
    if signer.time_stamp is not None and validator is not None:
        token = parse_time_stamp(signer.time_stamp)
        stamp = verify_time_stamp(token, signer.signature, validator)
    signing_time = signer.signing_time if stamp is None else stamp.stamp.time
    if signing_time is None:
        raise SignedDataError("neither a time stamp nor the signer says when it was signed")
    check_valid_at(certificate, signing_time)
    peer = None
    if validator is not None:
        chain = chain_of(certificate, signed.certificates)
        peer = validator.verify_signer(chain, at or signing_time)
    return VerifiedSigner(signer, certificate, signing_time, stamp, peer)
