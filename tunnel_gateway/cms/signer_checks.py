"""The checks of one signer of a message, or of a time stamp, each of which stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest

from cryptography.exceptions import InvalidSignature

from tunnel_gateway.cms.signed_data import Signer
from tunnel_gateway.errors import (
    BadSignedDataError,
    CertificateExpiredError,
    SignedDataError,
)
from tunnel_gateway.gost import signature as gost_signature
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import Certificate, format_time
from tunnel_gateway.pki.encoding.oids import DIGEST_OIDS, SIGNATURE_OIDS


def is_national(signer: Signer) -> bool:
    """Tell whether the signer used the algorithms of the national standards."""
    return signer.digest_algorithm in DIGEST_OIDS and signer.signature_algorithm in SIGNATURE_OIDS


def check_algorithms(signer: Signer) -> None:
    """Raise SignedDataError unless the signer used the algorithms of the national standards."""
    for algorithm, known in (
        (signer.digest_algorithm, DIGEST_OIDS),
        (signer.signature_algorithm, SIGNATURE_OIDS),
    ):
        if algorithm not in known:
            raise SignedDataError(f"the algorithm {algorithm} of a signer is not an E-IMZO one")


def check_digest(signer: Signer, actual: bytes) -> None:
    """Raise BadSignedDataError unless the signer signed a document of this digest."""
    if not compare_digest(signer.message_digest, actual):
        raise BadSignedDataError("the document is not the one that was signed")


def check_signature(signer: Signer, certificate: Certificate) -> None:
    """Raise BadSignedDataError unless the signature is right for the signed attributes.

    Raises SignedDataError for algorithms of another standard.
    """
    check_algorithms(signer)
    try:
        gost_signature.verify(
            certificate.public_key, signer.signature, digest(signer.signed_attributes)
        )
    except InvalidSignature:
        raise BadSignedDataError(
            f"the signature is not by the key of {certificate.label}"
        ) from None


def not_valid_at(path: Sequence[Certificate], moment: datetime) -> CertificateExpiredError | None:
    """Return the error for the first certificate that was not valid at the moment."""
    for certificate in path:
        if not certificate.not_before <= moment <= certificate.not_after:
            return CertificateExpiredError(
                f"{certificate.label} was not valid at the time of signing, {format_time(moment)}"
            )
    return None
