"""PKCS#12 and JKS files put together part by part, so that any part can be wrong.

Nothing here uses the package's own writer.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asn1crypto import cms, core, keys, pkcs12, x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from tunnel_gateway.gost.curves import PrivateKey
from tunnel_gateway.pki.certificates.certificate import Certificate, to_pem
from tunnel_gateway.pki.encoding.oids import Family
from tunnel_gateway.pki.files import pbe, pkcs8

PASSWORD = "parol’".encode()
SALT = b"saltsalt"


def sec1_info(key: PrivateKey, family: Family) -> bytes:
    """A PrivateKeyInfo in the form of E-IMZO."""
    return pkcs8.encode(key, family)


def gost_info(key: PrivateKey, family: Family) -> bytes:
    """A PrivateKeyInfo in the form of other Uzbek tools."""
    oids = (family.parameter_set(key.curve), family.digest_oid)
    parameters = _sequence(*(core.ObjectIdentifier(oid).dump() for oid in oids))
    algorithm = _sequence(core.ObjectIdentifier(family.key_oid).dump(), parameters)
    number = core.OctetString(key.to_bytes()[::-1]).dump()
    return _sequence(core.Integer(0).dump(), algorithm, number)


def _sequence(*parts: bytes) -> bytes:
    return bytes(core.Sequence(contents=b"".join(parts)).dump())


def attributes(alias: str | None, local_id: bytes | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if local_id is not None:
        found.append({"type": "local_key_id", "values": [local_id]})
    if alias is not None:
        found.append({"type": "friendly_name", "values": [alias]})
    return found


def _bag(kind: str, value: Any, alias: str | None, local_id: bytes | None) -> pkcs12.SafeBag:
    bag = {"bag_id": kind, "bag_value": value}
    marks = attributes(alias, local_id)
    return pkcs12.SafeBag(bag | ({"bag_attributes": marks} if marks else {}))


def key_bag(info: bytes, alias: str | None = None, local_id: bytes | None = None) -> Any:
    """A key that is not encrypted."""
    return _bag("key_bag", keys.PrivateKeyInfo.load(info), alias, local_id)


def shrouded_bag(
    info: bytes, alias: str | None = None, local_id: bytes | None = None, rounds: int = 10
) -> Any:
    """A key under PBES2."""
    closed = pkcs8.encrypt(info, PASSWORD, os.urandom, rounds)
    value = keys.EncryptedPrivateKeyInfo.load(closed)
    return _bag("pkcs8_shrouded_key_bag", value, alias, local_id)


def des_bag(
    info: bytes,
    alias: str | None = None,
    local_id: bytes | None = None,
    password: bytes | None = PASSWORD,
) -> Any:
    """A key under PBE-SHA1-3DES."""
    derivation = pbe.Derivation("sha1", password, SALT, 5)
    key, iv = derivation.derive(1, 24, pbe.Work()), derivation.derive(2, 8, pbe.Work())
    padder = padding.PKCS7(64).padder()
    encryptor = Cipher(TripleDES(key), modes.CBC(iv)).encryptor()
    value = keys.EncryptedPrivateKeyInfo(
        {
            "encryption_algorithm": {
                "algorithm": "pkcs12_sha1_tripledes_3key",
                "parameters": {"salt": SALT, "iterations": 5},
            },
            "encrypted_data": encryptor.update(padder.update(info) + padder.finalize()),
        }
    )
    return _bag("pkcs8_shrouded_key_bag", value, alias, local_id)


def certificate_bag(
    certificate: Certificate, alias: str | None = None, local_id: bytes | None = None
) -> Any:
    value = {"cert_id": "x509", "cert_value": x509.Certificate.load(certificate.der)}
    return _bag("cert_bag", value, alias, local_id)


def nested_bag(*bags: Any) -> Any:
    return _bag("safe_contents", pkcs12.SafeContents(list(bags)), None, None)


def lot(*bags: Any) -> cms.ContentInfo:
    """Bags that are not encrypted."""
    content = pkcs12.SafeContents(list(bags)).dump()
    return cms.ContentInfo({"content_type": "data", "content": content})


def closed_lot(*bags: Any, rounds: int = 10) -> cms.ContentInfo:
    """Bags under PBES2."""
    content = pkcs12.SafeContents(list(bags)).dump()
    algorithm, closed = pbe.encrypt(content, PASSWORD, os.urandom, rounds)
    info = {
        "content_type": "data",
        "content_encryption_algorithm": algorithm,
        "encrypted_content": closed,
    }
    data = cms.EncryptedData({"version": 0, "encrypted_content_info": info})
    return cms.ContentInfo({"content_type": "encrypted_data", "content": data})


def openssl_lot(folder: Path, certificates: Sequence[Certificate], scheme: str) -> cms.ContentInfo:
    """Certificates under an old scheme, as OpenSSL writes them: ``PBE-SHA1-RC2-40``."""
    bundle, out = folder / "openssl.pem", folder / "openssl.p12"
    bundle.write_bytes(to_pem(certificates))
    command = ["openssl", "pkcs12", "-export", "-legacy", "-nokeys", "-in", str(bundle)]
    command += ["-certpbe", scheme, "-passout", "stdin", "-out", str(out)]
    subprocess.run(command, input=PASSWORD + b"\n", check=True, capture_output=True)
    return pkcs12.Pfx.load(out.read_bytes()).authenticated_safe[0]


def pfx(
    *lots: cms.ContentInfo,
    password: bytes | None = PASSWORD,
    mac: str | None = "sha256",
    rounds: int = 10,
) -> bytes:
    """A file; ``mac`` None leaves the MAC out."""
    content = pkcs12.AuthenticatedSafe(list(lots)).dump()
    parts: dict[str, Any] = {
        "version": 3,
        "auth_safe": cms.ContentInfo({"content_type": "data", "content": content}),
    }
    if mac is not None:
        size = hashlib.new(mac).digest_size
        key = pbe.Derivation(mac, password, SALT, min(rounds, 10)).derive(3, size, pbe.Work())
        digest = hmac.digest(key, content, mac)
        parts["mac_data"] = {
            "mac": {"digest_algorithm": {"algorithm": mac}, "digest": digest},
            "mac_salt": SALT,
            "iterations": rounds,
        }
    return bytes(pkcs12.Pfx(parts).dump())


def jks(
    *entries: bytes,
    password: bytes = PASSWORD,
    version: int = 2,
    count: int | None = None,
    magic: bytes = b"\xfe\xed\xfe\xed",
) -> bytes:
    """A keystore in Java's old format, with any ``entries``."""
    number = len(entries) if count is None else count
    content = magic + struct.pack(">II", version, number) + b"".join(entries)
    secret = password.decode().encode("utf-16-be") + b"Mighty Aphrodite"
    return content + hashlib.sha1(secret + content, usedforsecurity=False).digest()


def jks_entry(
    certificate: Certificate, *, kind: int = 2, form: bytes | None = b"X.509", more: int = 0
) -> bytes:
    """A trusted certificate; ``form`` None is for version 1, ``more`` is added to its length."""
    named = b"" if form is None else struct.pack(">H", len(form)) + form
    size = struct.pack(">I", len(certificate.der) + more)
    return struct.pack(">IH", kind, 4) + b"root" + bytes(8) + named + size + certificate.der
