"""A folder with the certificates of centres between the users and the trust anchors."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tunnel_gateway.errors import CertificateError, FileError
from tunnel_gateway.os_errors import sentence
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.keyfiles import load_certificates
from tunnel_gateway.pki.trust.validation import check_anchor

# Far more than there are centres in the country.
MAX_CERTIFICATES: Final = 1000


def load_centres(folder: Path) -> tuple[Certificate, ...]:
    """Read every file of the folder: PEM, or one certificate in DER. Names with a dot first stay.

    Raises FileError, with the remedy, for a file that cannot be read, or that has a certificate
    that may not issue others.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise FileError(f"{folder}: cannot be read: {sentence(error)}") from None
    centres: dict[bytes, Certificate] = {}
    for path in paths:
        for certificate in load_certificates(path):
            try:
                check_anchor(certificate)
            except CertificateError as error:
                raise FileError(f"{path}: {error}; move it away") from None
            centres[certificate.der] = certificate
            if len(centres) > MAX_CERTIFICATES:
                raise FileError(f"{folder}: more than {MAX_CERTIFICATES} certificates")
    return tuple(centres.values())
