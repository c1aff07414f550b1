"""A certificate as pages get it: with the fields that the vendor's server prints."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime

from asn1crypto import x509

from tunnel_gateway.pki.certificates.certificate import Certificate, in_tashkent
from tunnel_gateway.pki.certificates.names import labelled


def certificate_info(certificate: Certificate) -> dict[str, object]:
    """Return the fields of a certificate. Times are Tashkent time, as ``2026-03-01 17:00:00``."""
    parsed = x509.Certificate.load(certificate.der)
    return {
        "subjectInfo": dict(labelled(parsed.subject.dump())),
        "issuerInfo": dict(labelled(parsed.issuer.dump())),
        "serialNumber": certificate.serial_hex,
        "subjectName": certificate.subject,
        "issuerName": certificate.issuer,
        "validFrom": local_time(certificate.not_before),
        "validTo": local_time(certificate.not_after),
        "publicKey": {
            "keyAlgName": certificate.family.name,
            "publicKey": b64encode(parsed.public_key.dump()).decode(),
        },
        "signature": {
            "signAlgName": certificate.signature_algorithm,
            "signature": parsed.signature.hex(),
        },
    }


def local_time(moment: datetime) -> str:
    """Return a moment as ``2026-03-01 17:00:00``, Tashkent time."""
    return f"{in_tashkent(moment):%Y-%m-%d %H:%M:%S}"
