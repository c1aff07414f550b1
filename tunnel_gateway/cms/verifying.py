"""Verifying a signed message: its digests, its signatures, and the certificates of its signers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest

from asn1crypto import x509
from cryptography.exceptions import InvalidSignature

from tunnel_gateway.cms.signed_data import SignedData, Signer
from tunnel_gateway.errors import BadSignedDataError, CertificateExpiredError, SignedDataError
from tunnel_gateway.gost import signature as gost_signature
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import Certificate, format_time
from tunnel_gateway.pki.trust.validation import MAX_CHAIN_LENGTH, ChainValidator, VerifiedPeer


@dataclass(frozen=True, slots=True)
class VerifiedSigner:
    """A signature that is right, and the ``certificate`` of its ``signer``.

    ``signing_time`` is what the signer says. ``peer`` has the path to the trust anchor if the
    caller asked for one.
    """

    signer: Signer
    certificate: Certificate
    signing_time: datetime
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
    document. With a ``validator``, each signer's certificate must lead to its trust anchors at the
    time ``at``. Without ``at`` that is the time of signing, which only the signer says. Revocation
    is not checked, and a time stamp is not read.

    Raises SignedDataError if there is nothing to check or the document is missing;
    BadSignedDataError if a digest or a signature is wrong; and CertificateError if a certificate is
    not accepted, for example because it was not valid at the time of signing.
    """
    if not signed.signers:
        raise SignedDataError("nobody has signed it")
    actual = digest(document(signed, content))
    return tuple(_verify_signer(signed, signer, actual, validator, at) for signer in signed.signers)


def document(signed: SignedData, content: bytes | None) -> bytes:
    """Return the document: the message's, or ``content`` for a detached one.

    Raises SignedDataError if there is no document, or if there are two.
    """
    if signed.content is not None and content is not None:
        raise SignedDataError("the message has its document inside; another one was given too")
    either = content if signed.content is None else signed.content
    if either is None:
        raise SignedDataError("the message is detached; its document must be given")
    return either


def certificate_of(signer: Signer, certificates: Sequence[Certificate]) -> Certificate:
    """Return the signer's certificate, which may stand anywhere in the message.

    Raises SignedDataError if it is not there.
    """
    for certificate in certificates:
        if certificate.serial == signer.serial:
            issuer = x509.Certificate.load(certificate.der).issuer
            if issuer.dump() == signer.issuer:
                return certificate
    raise SignedDataError(f"the certificate {signer.serial_hex} of a signer is not in the message")


def check_signature(signer: Signer, certificate: Certificate, actual: bytes) -> None:
    """Raise BadSignedDataError unless the signature is right for a document of this digest."""
    if not compare_digest(signer.message_digest, actual):
        raise BadSignedDataError("the document is not the one that was signed")
    try:
        gost_signature.verify(
            certificate.public_key, signer.signature, digest(signer.signed_attributes)
        )
    except InvalidSignature:
        raise BadSignedDataError(
            f"the signature is not by the key of {certificate.label}"
        ) from None


def check_valid_at(certificate: Certificate, moment: datetime) -> None:
    """Raise CertificateExpiredError unless the certificate was valid then."""
    if not certificate.not_before <= moment <= certificate.not_after:
        raise CertificateExpiredError(
            f"{certificate.label} was not valid at the time of signing, {format_time(moment)}"
        )


def chain_of(leaf: Certificate, certificates: Sequence[Certificate]) -> list[bytes]:
    """Return the leaf and the certificates that may have issued it, in DER, as a chain to validate.

    A message has the certificates of all its signers: only names tell which belong together.
    """
    chain, added = [leaf], [leaf]
    while added:
        issuers = {certificate.issuer for certificate in added}
        added = [one for one in certificates if one.subject in issuers and one not in chain]
        chain += added
    return [certificate.der for certificate in chain[:MAX_CHAIN_LENGTH]]


def _verify_signer(
    signed: SignedData,
    signer: Signer,
    actual: bytes,
    validator: ChainValidator | None,
    at: datetime | None,
) -> VerifiedSigner:
    certificate = certificate_of(signer, signed.certificates)
    if signer.signing_time is None:
        raise SignedDataError("a signer does not say when they signed (no signed signing_time)")
    check_signature(signer, certificate, actual)
    check_valid_at(certificate, signer.signing_time)
    peer = None
    if validator is not None:
        chain = chain_of(certificate, signed.certificates)
        peer = validator.verify_signer(chain, at or signer.signing_time)
    return VerifiedSigner(signer, certificate, signer.signing_time, peer)
