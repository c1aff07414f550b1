"""Trust anchors from a truststore: PEM, PKCS#12 or JKS, told apart by content and not by name.

A keystore of Java 9 and later is PKCS#12 even when the file is still called ``.jks``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tunnel_gateway.errors import CertificateUnsuitableError, FileError, KeystoreError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import pem
from tunnel_gateway.pki.encoding.kind import EMPTY, PAGE, kind
from tunnel_gateway.pki.files import jks, pkcs12
from tunnel_gateway.pki.files.bundle import read_certificates
from tunnel_gateway.pki.files.keyfiles import is_pfx, read_file
from tunnel_gateway.pki.trust.validation import check_anchor


def load_trust_anchors(
    path: Path,
    password: bytes | None = None,
    *,
    unchecked: bool = False,
    check: Callable[[Certificate], None] = check_anchor,
) -> tuple[Certificate, ...]:
    """Read every certificate of a truststore, in its order.

    With ``unchecked`` a JKS file needs no password; nobody then notices a change of it.
    Raises FileError, with the remedy, if the file cannot be read or opened with ``password``,
    or holds a certificate that ``check`` refuses, usually one that is not a CA certificate:
    every trust anchor can issue any name.
    """
    data = read_file(path)
    try:
        anchors = read_trust_anchors(data, password, unchecked=unchecked)
        for anchor in anchors:
            check(anchor)
    except (CertificateUnsuitableError, KeystoreError) as fault:
        raise FileError(f"{path}: {fault}") from fault
    return anchors


def read_trust_anchors(
    data: bytes, password: bytes | None, *, unchecked: bool = False
) -> tuple[Certificate, ...]:
    """Read the certificates of a truststore from its bytes.

    Raises CertificateUnsuitableError for certificates that are not ours, WrongPasswordError and
    KeystoreError for a store that cannot be read.
    """
    if pem.is_pem(data) or kind(data) == "certificate":
        return read_certificates(data)
    if jks.is_java_keystore(data):
        ders = jks.read_certificates(data, password, unchecked=unchecked)
    elif is_pfx(data):
        store = pkcs12.Pfx(data, password)
        if store.keys:
            raise KeystoreError("it holds a private key; a truststore holds certificates only")
        ders = [bag.der for bag in store.certificates]
    elif kind(data) in ("empty", "page"):
        raise KeystoreError(EMPTY if kind(data) == "empty" else PAGE)
    else:
        raise KeystoreError("not a truststore: neither PEM nor PKCS#12 nor a Java keystore (JKS)")
    if not ders:
        raise KeystoreError("there is no certificate in it")
    return tuple(Certificate.from_der(der) for der in ders)
