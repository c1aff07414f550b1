"""The checks of one signer of a message, or of a time stamp, each of which stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest

from cryptography.exceptions import InvalidSignature

from tunnel_gateway.cms.signed_data import Signer
from tunnel_gateway.errors import BadSignedDataError, CertificateExpiredError, SignedDataError
from tunnel_gateway.gost import signature as gost_signature
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import Certificate, format_time
from tunnel_gateway.pki.encoding.outline import Outline
from tunnel_gateway.pki.trust.validation import MAX_CHAIN_LENGTH


def certificate_of(signer: Signer, certificates: Sequence[Certificate]) -> Certificate:
    """Return the signer's certificate, which may stand anywhere in the message.

    Raises SignedDataError if it is not there.
    """
    for certificate in certificates:
        same_serial = certificate.serial == signer.serial
        if same_serial and Outline.read(certificate.der).issuer == signer.issuer:
            return certificate
    raise SignedDataError(f"the certificate {signer.serial_hex} of a signer is not in the message")


def check_digest(signer: Signer, actual: bytes) -> None:
    """Raise BadSignedDataError unless the signer signed a document of this digest."""
    if not compare_digest(signer.message_digest, actual):
        raise BadSignedDataError("the document is not the one that was signed")


def check_signature(signer: Signer, certificate: Certificate, actual: bytes) -> None:
    """Raise BadSignedDataError unless the signature is right for a document of this digest."""
    check_digest(signer, actual)
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
    chain = [leaf]
    for link in chain:  # which grows meanwhile
        for certificate in certificates:
            if certificate.subject == link.issuer and certificate not in chain:
                chain.append(certificate)
    return [link.der for link in chain[:MAX_CHAIN_LENGTH]]
