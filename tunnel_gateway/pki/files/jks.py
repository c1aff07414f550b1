"""Truststores in Java's old format, JKS, as ``keytool -storetype JKS`` writes them.

There is no standard for it, only its use since 1998. All numbers are big-endian::

    magic FEEDFEED, version 1 or 2, number of entries         4 bytes each
    each entry:
      kind 2, a trusted certificate                           4 bytes
      alias, in Java's UTF-8, behind its length               2 bytes and the text
      time of entry, in milliseconds since 1970               8 bytes
      in version 2: "X.509", behind its length                2 bytes and the text
      the certificate in DER, behind its length               4 bytes and the DER
    SHA-1 of the password, "Mighty Aphrodite" and all above   20 bytes

The digest is the only protection, and Java does not check it without a password. A person who can
change a truststore can let anyone in, so the password is needed here.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Final

from tunnel_gateway.errors import KeystoreError, WrongPasswordError
from tunnel_gateway.pki.files import pbe

MAX_ENTRIES: Final = 1024

_MAGIC: Final = b"\xfe\xed\xfe\xed"
# JCEKS is JKS with stronger protection of the keys, and with secret keys.
_OTHER_MAGIC: Final = b"\xce\xce\xce\xce"
_HEADER: Final = struct.Struct(">4sII")
_SALT: Final = b"Mighty Aphrodite"
_DIGEST_SIZE: Final = 20
_PRIVATE_KEY: Final = 1
_CERTIFICATE: Final = 2


CONVERSION: Final = (
    "convert it: keytool -importkeystore -srckeystore OLD -destkeystore NEW.p12"
    " -deststoretype PKCS12"
)


def is_java_keystore(data: bytes) -> bool:
    """Tell whether ``data`` is a keystore in an old format of Java's."""
    return data.startswith((_MAGIC, _OTHER_MAGIC))


def read_certificates(
    data: bytes, password: bytes | None, *, unchecked: bool = False
) -> list[bytes]:
    """Return the trusted certificates of a store, in its order, each in DER.

    With ``unchecked`` a store is read without a password too; nobody then notices a change of it.
    Raises WrongPasswordError for a missing or a wrong ``password``, and KeystoreError if the store
    is damaged or holds other entries.
    """
    try:
        certificates = _parse(data)
    except (struct.error, UnicodeDecodeError):
        raise KeystoreError("a damaged Java keystore (JKS); get it again") from None
    if password is None and unchecked:
        return certificates
    if password is None:
        raise WrongPasswordError(
            "a Java keystore (JKS) can be checked for changes only with its password, and none"
            " is configured; often it is changeit"
        )
    content = pbe.utf16(password) + _SALT + data[:-_DIGEST_SIZE]
    # The format fixes the digest. Collisions do not help an attacker without the password.
    digest = hashlib.sha1(content, usedforsecurity=False).digest()
    if not hmac.compare_digest(digest, data[-_DIGEST_SIZE:]):
        raise WrongPasswordError("the password is wrong, or the keystore was changed")
    return certificates


def _parse(data: bytes) -> list[bytes]:
    magic, version, count = _HEADER.unpack_from(data)
    if magic != _MAGIC or version not in (1, 2):
        raise KeystoreError(f"a Java keystore that is not JKS of version 1 or 2; {CONVERSION}")
    if count > MAX_ENTRIES:
        raise KeystoreError(f"{count} entries in a Java keystore; {MAX_ENTRIES} is the limit")
    reader = _Reader(data[:-_DIGEST_SIZE], _HEADER.size)
    certificates = [_entry(reader, version) for _ in range(count)]
    reader.finish()
    return certificates


def _entry(reader: _Reader, version: int) -> bytes:
    kind = reader.number(4)
    if kind == _PRIVATE_KEY:
        raise KeystoreError("it holds a private key; a truststore holds certificates only")
    if kind != _CERTIFICATE:
        raise KeystoreError(f"an entry of the unknown kind {kind}; the file is damaged")
    reader.take(reader.number(2))  # the alias
    reader.take(8)  # the time of entry
    if version == 2 and (form := reader.take(reader.number(2))) != b"X.509":
        raise KeystoreError(f"a certificate of the form {form[:20].decode('ascii')!r}, not X.509")
    return reader.take(reader.number(4))


class _Reader:
    """Takes bytes from the front; raises ``struct.error`` when there are too few or too many."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._position = position

    def take(self, size: int) -> bytes:
        taken = self._data[self._position : self._position + size]
        if len(taken) < size:
            raise struct.error("too short")
        self._position += size
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def finish(self) -> None:
        if self._position != len(self._data):
            raise struct.error("too long")
