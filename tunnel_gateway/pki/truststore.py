"""Trust anchors from a truststore: PEM or PKCS#12, told apart by content and not by name.

A keystore of Java 9 and later is PKCS#12 even when the file is still called ``.jks``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from tunnel_gateway.errors import CertificateUnsuitableError, FileError
from tunnel_gateway.pki import pem
from tunnel_gateway.pki.certificate import Certificate, read_certificates
from tunnel_gateway.pki.keyfiles import read_file
from tunnel_gateway.pki.validation import check_anchor

# JKS, and JCEKS, which is JKS with stronger protection of the keys.
_OLD_JAVA: Final = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
_DER_SEQUENCE: Final = b"\x30"


def load_trust_anchors(path: Path, password: bytes | None = None) -> tuple[Certificate, ...]:
    """Read every certificate of a truststore, in its order.

    Raises FileError, with the remedy, if the file cannot be read or opened with ``password``,
    or holds anything but certificates of CAs: whatever is an anchor can issue any name.
    """
    data = read_file(path)
    try:
        anchors = _read(data, path, password)
        for anchor in anchors:
            check_anchor(anchor)
    except CertificateUnsuitableError as fault:
        raise FileError(f"{path}: {fault}") from fault
    return anchors


def _read(data: bytes, path: Path, password: bytes | None) -> tuple[Certificate, ...]:
    if data.startswith(_OLD_JAVA):
        raise FileError(
            f"{path}: a keystore in Java's old format (JKS), which is not supported yet; convert"
            f" it: keytool -importkeystore -srckeystore {path} -destkeystore {path}.p12"
            " -deststoretype PKCS12"
        )
    if pem.is_pem(data):
        return read_certificates(data)
    if not data.startswith(_DER_SEQUENCE):
        raise FileError(f"{path}: not a truststore: neither PEM nor PKCS#12")
    return _read_pkcs12(data, path, password)


def _read_pkcs12(data: bytes, path: Path, password: bytes | None) -> tuple[Certificate, ...]:
    try:
        store = pkcs12.load_pkcs12(data, password)
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise FileError(
            f"{path}: the password is wrong, or this is not a PKCS#12 truststore ({fault})"
        ) from fault
    if store.key is not None or store.cert is not None:
        raise FileError(f"{path}: it holds a private key; a truststore holds certificates only")
    if not store.additional_certs:
        raise FileError(f"{path}: there is no certificate in it")
    return tuple(
        Certificate.from_der(entry.certificate.public_bytes(Encoding.DER))
        for entry in store.additional_certs
    )
