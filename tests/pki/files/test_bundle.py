"""Certificates from a file: all of them, or the line at fault."""

from __future__ import annotations

import codecs

import pytest

from tests.support.pki import authority, user
from tunnel_gateway.errors import CertificateUnsuitableError
from tunnel_gateway.pki.certificates.certificate import Certificate, to_pem
from tunnel_gateway.pki.encoding.pem import armour
from tunnel_gateway.pki.files.bundle import read_certificates

USER = user()
ROOTS = (authority().root.leaf, authority().centre.leaf)


def test_pem_and_der() -> None:
    chain = USER.chain
    assert read_certificates(to_pem(chain)) == chain
    assert read_certificates(chain[0].der) == chain[:1]
    key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    assert read_certificates(key + to_pem(chain)) == chain


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b" \r\n", "it is empty"),
        (b"\n<html><body>502", "a web page"),
        (b"\x30\x82\x01\x00\x02\x01\x03", r"PKCS#12 file .*; take the .* openssl pkcs12 -nokeys"),
        (b"\x30\x80\x06\x09", r"certificates alone \(PKCS#7, .*openssl pkcs7"),
        (b"\x30\x03\x04\x01\x00", "malformed"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no certificate"),
        (to_pem(USER.chain)[:-10], "line [0-9]+: not the begin or the end of a PEM block"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "malformed"),
        (USER.leaf.der + b"\x00", "malformed"),
        (USER.leaf.der[:-1], "malformed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_certificate(data: bytes, reason: str) -> None:
    with pytest.raises(CertificateUnsuitableError, match=reason):
        read_certificates(data)


def _pem(certificate: Certificate) -> bytes:
    return to_pem([certificate])


@pytest.mark.parametrize(
    "bundle",
    [
        b"".join(_pem(one).rstrip(b"\n") for one in ROOTS),
        codecs.BOM_UTF8 + to_pem(ROOTS),
        codecs.BOM_UTF16_LE + to_pem(ROOTS).decode().encode("utf-16-le"),
        to_pem(ROOTS).replace(b" CERT", b" X509 CERT"),
        b"".join(b"    " + line for line in to_pem(ROOTS).splitlines(keepends=True)),
        to_pem(ROOTS).replace(b"\n", b"\r\n"),
        to_pem(ROOTS).replace(b"\n", b"\r"),
        b"subject=CN = a\n" + _pem(ROOTS[0]) + b"\nissuer=CN = b\n\n" + _pem(ROOTS[1]),
    ],
    ids=["glued", "a mark", "UTF-16", "X509", "indented", "CRLF", "CR", "text between"],
)
def test_no_certificate_of_a_bundle_is_lost(bundle: bytes) -> None:
    assert read_certificates(bundle) == ROOTS


@pytest.mark.parametrize("label", ["TRUSTED CERTIFICATE", "PKCS7", "CMS", "ATTRIBUTE CERTIFICATE"])
def test_what_could_be_a_certificate_too_is_refused_with_its_line(label: str) -> None:
    bundle = _pem(ROOTS[0]) + armour(label, ROOTS[1].der)
    line = _pem(ROOTS[0]).count(b"\n") + 1
    with pytest.raises(CertificateUnsuitableError, match=f"line {line}: {label} is not read"):
        read_certificates(bundle)


def test_what_may_stand_beside_certificates() -> None:
    for label in ("EC PRIVATE KEY", "X509 CRL", "PUBLIC KEY", "CERTIFICATE REQUEST"):
        assert read_certificates(armour(label, b"a") + to_pem(ROOTS)) == ROOTS
