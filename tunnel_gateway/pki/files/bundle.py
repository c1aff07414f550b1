"""Certificates from a file: all of a PEM bundle, without losing any, or one in DER."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tunnel_gateway.errors import CertificateUnsuitableError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import pem
from tunnel_gateway.pki.encoding.kind import EMPTY, ONLY_CERTIFICATES, PAGE, Kind, kind

# Labels of PEM blocks: certificates (OpenSSL had the second), and others that are allowed.
_LABELS: Final = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_OTHER_LABELS: Final = ("PRIVATE KEY", "PUBLIC KEY", "PARAMETERS", "CERTIFICATE REQUEST", "CRL")
_REMEDIES: Final = {
    "TRUSTED CERTIFICATE": "it has OpenSSL's own rules of trust, which would be lost; write it"
    " without them: openssl x509 -in FILE -out NEW",
    "PKCS7": "take the certificates out of it: openssl pkcs7 -print_certs -in FILE -out NEW",
}
_OTHERS: Final[Mapping[Kind, str]] = {
    "empty": EMPTY,
    "page": PAGE,
    "pfx": "a PKCS#12 file (PFX), with a private key in it; take the certificates out of it:"
    " openssl pkcs12 -nokeys -in FILE -out NEW.pem",
    "pkcs7": ONLY_CERTIFICATES,
}


def read_certificates(data: bytes) -> tuple[Certificate, ...]:
    """Read a PEM bundle, in its order, or a single certificate in DER.

    Raises CertificateUnsuitableError if there is no certificate or one of them is not ours.
    """
    if not pem.is_pem(data):
        if other := _OTHERS.get(kind(data)):
            raise CertificateUnsuitableError(other)
        return (Certificate.from_der(data),)
    try:
        blocks = pem.blocks(data)
    except ValueError as fault:
        raise CertificateUnsuitableError(str(fault)) from fault
    certificates = tuple(
        Certificate.from_der(block.content) for block in blocks if _holds_one(block)
    )
    if not certificates:
        raise CertificateUnsuitableError("there is no certificate in the PEM text")
    return certificates


def _holds_one(block: pem.Block) -> bool:
    """Tell whether a block is a certificate; raises for a label that is not allowed beside one."""
    if block.label in _LABELS:
        return True
    if block.label.endswith(_OTHER_LABELS):
        return False
    remedy = _REMEDIES.get(block.label, "take it out, or write it as CERTIFICATE")
    raise CertificateUnsuitableError(f"line {block.line}: {block.label} is not read here; {remedy}")
