"""OpenSSL with its gost-engine, on the command line."""

from __future__ import annotations

import os
import shutil
import subprocess
from base64 import encodebytes
from pathlib import Path
from typing import Final

from asn1crypto import core

from benchmarks.gost_engine import CONFIGURATION
from tunnel_gateway.gost.curves import Curve, PrivateKey, PublicKey

PUBLIC_KEY_OID: Final = "1.2.643.2.2.19"
DIGEST_OID: Final = "1.2.643.2.2.30.1"
CURVE_OIDS: Final = {
    "CryptoPro-A": "1.2.643.2.2.35.1",
    "CryptoPro-B": "1.2.643.2.2.35.2",
    "CryptoPro-C": "1.2.643.2.2.35.3",
}


class GostEngine:
    """Runs ``openssl`` with a configuration of its own, in a folder for its files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._configuration = folder / "openssl.cnf"
        self._configuration.write_text(CONFIGURATION, encoding="ascii")

    def available(self) -> bool:
        if shutil.which("openssl") is None:
            return False
        return b"[ available ]" in self._run("engine", "gost", "-t").stdout

    def __call__(self, *arguments: str | Path, data: bytes = b"", cipher_sbox: str = "") -> bytes:
        """What the command writes; CalledProcessError if it fails."""
        finished = self._run(*arguments, data=data, cipher_sbox=cipher_sbox)
        finished.check_returncode()
        return finished.stdout

    def accepts(self, *arguments: str | Path, data: bytes = b"") -> bool:
        return self._run(*arguments, data=data).returncode == 0

    def _run(
        self, *arguments: str | Path, data: bytes = b"", cipher_sbox: str = ""
    ) -> subprocess.CompletedProcess[bytes]:
        environment = os.environ | {"OPENSSL_CONF": str(self._configuration)}
        if cipher_sbox:
            environment["CRYPT_PARAMS"] = f"id-Gost28147-89-{cipher_sbox}-ParamSet"
        return subprocess.run(
            ["openssl", *arguments], input=data, capture_output=True, check=False, env=environment
        )


def private_key_pem(key: PrivateKey) -> str:
    """The key as gost-engine reads it (RFC 5208; d little-endian)."""
    content = core.OctetString(key.to_bytes()[::-1]).dump()
    return _pem(
        "PRIVATE KEY",
        _sequence(core.Integer(0).dump(), _algorithm(key.curve), core.OctetString(content).dump()),
    )


def public_key_pem(key: PublicKey) -> str:
    """The key as a SubjectPublicKeyInfo (RFC 4491, section 2.3.2)."""
    bits = core.OctetBitString(core.OctetString(key.encoded).dump()).dump()
    return _pem("PUBLIC KEY", _sequence(_algorithm(key.curve), bits))


def _algorithm(curve: Curve) -> bytes:
    parameters = _sequence(_oid(CURVE_OIDS[curve.name]), _oid(DIGEST_OID))
    return _sequence(_oid(PUBLIC_KEY_OID), parameters)


def _oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())


def _sequence(*parts: bytes) -> bytes:
    return bytes(core.Sequence(contents=b"".join(parts)).dump())


def _pem(label: str, der: bytes) -> str:
    return f"-----BEGIN {label}-----\n{encodebytes(der).decode()}-----END {label}-----\n"
