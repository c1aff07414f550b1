"""The certificate of wss://127.0.0.1: made here, for this machine, by an authority of its own.

The user must tell the browser once to trust the authority. This must do no harm even if the
authority's key is stolen. So the authority's certificate has name constraints (RFC 5280, 4.2.1.10):
a certificate that it signs for another name than 127.0.0.1 or localhost is not valid. These names
limit only the names of servers, so the extended key usage forbids certificates for mail and
programs.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tunnel_gateway.errors import FileError
from tunnel_gateway.os_errors import sentence

AUTHORITY: Final = "local-ca.pem"
AUTHORITY_KEY: Final = "local-ca.key.pem"
SERVER: Final = "local-server.pem"  # its key, its certificate

_AUTHORITY_DAYS: Final = 3650
_SERVER_DAYS: Final = 365  # Apple accepts 825 at most
# The time before the end of a certificate when a new one is made.
_AUTHORITY_RENEWAL: Final = timedelta(days=400)
_SERVER_RENEWAL: Final = timedelta(days=30)
_SKEW: Final = timedelta(days=1)
_MAX_SIZE: Final = 64 * 1024
_PURPOSE: Final = (ExtendedKeyUsageOID.SERVER_AUTH,)


@dataclass(frozen=True, slots=True)
class _Pair:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


class LocalCertificate:
    """The files in ``folder``; ``ensure`` makes the missing, the damaged and the old ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.authority = folder / AUTHORITY
        self.server = folder / SERVER

    def ensure(self, now: datetime) -> bool:
        """Make the files that are needed; returns whether it made any. Raises FileError."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            key_file = self._folder / AUTHORITY_KEY
            signer = _read_pair(self.authority, key_file, now, _AUTHORITY_RENEWAL)
            server = _read_pair(self.server, self.server, now, _SERVER_RENEWAL)
            if signer is None:
                signer, server = self._make_authority(now), None
            if server is None or server.certificate.issuer != signer.certificate.subject:
                self._make_server(signer, now)
                return True
        except OSError as error:
            raise FileError(f"{self._folder}: {sentence(error)}") from None
        return False

    def context(self) -> ssl.SSLContext:
        """Return a context for a server; raises FileError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.load(context)
        return context

    def load(self, context: ssl.SSLContext) -> None:
        """Give new connections of ``context`` the certificate that is now in the file."""
        try:
            context.load_cert_chain(self.server)
        except ssl.SSLError as error:
            raise FileError(f"{self.server}: {error.reason or error}; remove it") from None
        except OSError as error:
            raise FileError(f"{self.server}: {sentence(error)}") from None

    def fingerprint(self) -> str:
        """Return the SHA-256 of the authority's certificate, as browsers show it."""
        certificate = read_certificate(self.authority)
        if certificate is None:
            raise FileError(f"{self.authority}: not a certificate; start the agent once")
        return certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    def _make_authority(self, now: datetime) -> _Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        # The number distinguishes this authority from earlier ones of the same machine.
        name = _name(f"tunnel-gateway agent on this machine {os.urandom(4).hex()}")
        constraints = x509.NameConstraints(
            [x509.IPAddress(IPv4Network("127.0.0.1/32")), x509.DNSName("localhost")], None
        )
        builder = (
            _builder(name, name, key.public_key(), now, _AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(constraints, critical=True)
            .add_extension(x509.ExtendedKeyUsage(_PURPOSE), critical=False)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )
        signer = _Pair(key, builder.sign(key, hashes.SHA256()))
        _write(self._folder / AUTHORITY_KEY, _key_pem(key), 0o600)
        _write(self.authority, _certificate_pem(signer.certificate), 0o644)
        return signer

    def _make_server(self, signer: _Pair, now: datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")]
        issuer = signer.certificate.subject
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
        builder = (
            _builder(_name("127.0.0.1"), issuer, key.public_key(), now, _SERVER_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_PURPOSE), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(authority_key, critical=False)
        )
        certificate = builder.sign(signer.key, hashes.SHA256())
        _write(self.server, _key_pem(key) + _certificate_pem(certificate), 0o600)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=public_key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - _SKEW,
        not_valid_after=now - _SKEW + timedelta(days=days),
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _read_pair(
    certificate_file: Path, key_file: Path, now: datetime, renewal: timedelta
) -> _Pair | None:
    """Return a certificate and its key; None if one is missing or damaged, or a new one is due."""
    certificate, key = read_certificate(certificate_file), _read_key(key_file)
    if certificate is None or key is None or certificate.public_key() != key.public_key():
        return None
    if certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - renewal:
        return _Pair(key, certificate)
    return None


def read_certificate(path: Path) -> x509.Certificate | None:
    """Return the first certificate in a file; None if no certificate can be read."""
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except (OSError, ValueError):
        return None


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(_read(path), None)
    except (OSError, ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_SIZE)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write the whole file or nothing; nobody else can read a private file at any moment."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
        file.write(data)
    temporary.replace(path)
