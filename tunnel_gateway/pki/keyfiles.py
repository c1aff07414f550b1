"""Key and certificate files: a private key and the chain that belongs to it, as an Identity."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tunnel_gateway.errors import CertificateUnsuitableError, FileError, InvalidKeyError
from tunnel_gateway.gost.curves import PrivateKey
from tunnel_gateway.pki import pem, pkcs8
from tunnel_gateway.pki.certificate import Certificate, read_certificates
from tunnel_gateway.pki.oids import Family

# A chain has a few KiB and a key less than one; a truststore can hold a whole nation's roots.
MAX_FILE_SIZE: Final = 4 * 1024 * 1024

_PLAIN_LABEL: Final = "PRIVATE KEY"
_ENCRYPTED_LABEL: Final = "ENCRYPTED PRIVATE KEY"


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key and its certificate chain, leaf first.

    Raises InvalidKeyError if the key is not the one of the leaf.
    """

    private_key: PrivateKey
    chain: tuple[Certificate, ...]

    def __post_init__(self) -> None:
        if not self.chain:
            raise InvalidKeyError("there is no certificate for the private key")
        if self.private_key.public_key() != self.chain[0].public_key:
            raise InvalidKeyError(
                f"the private key does not belong to the first certificate of the chain"
                f" ({self.chain[0].label}); the owner's certificate comes first"
            )

    @property
    def leaf(self) -> Certificate:
        """The owner's certificate."""
        return self.chain[0]


def load_private_key(path: Path, password: bytes | None = None) -> PrivateKey:
    """Read a private key: PKCS#8 in PEM, encrypted or not.

    Raises FileError if the file cannot be read, is open to other users, or holds no such key.
    """
    data = read_file(path, secret=True)
    try:
        return _decode_pem(data, password)
    except (ValueError, InvalidKeyError) as fault:
        raise FileError(f"{path}: {fault}") from fault


def _decode_pem(data: bytes, password: bytes | None) -> PrivateKey:
    found = [block for block in pem.blocks(data) if block[0].endswith(_PLAIN_LABEL)]
    if len(found) != 1:
        raise InvalidKeyError(f"{len(found)} private keys in PEM; there must be one")
    label, content = found[0]
    if label == _PLAIN_LABEL:
        return pkcs8.decode(content)
    if label != _ENCRYPTED_LABEL:
        raise InvalidKeyError(f"a key of the form {label!r}; it must be PKCS#8 (PRIVATE KEY)")
    if password is None:
        raise InvalidKeyError("the key is encrypted, and no password is configured for it")
    return pkcs8.decode(pkcs8.decrypt(content, password))


def load_identity(key_path: Path, chain_path: Path, password: bytes | None = None) -> Identity:
    """Read a private key and its chain, and check that they belong together.

    Raises FileError naming the file at fault and the reason.
    """
    private_key = load_private_key(key_path, password)
    chain = load_certificates(chain_path)
    try:
        return Identity(private_key, chain)
    except InvalidKeyError as fault:
        raise FileError(f"{key_path} and {chain_path}: {fault}") from fault


def load_certificates(path: Path) -> tuple[Certificate, ...]:
    """Read a PEM bundle, or one certificate in DER; raises FileError."""
    try:
        return read_certificates(read_file(path))
    except CertificateUnsuitableError as fault:
        raise FileError(f"{path}: {fault}") from fault


def read_file(path: Path, *, secret: bool = False) -> bytes:
    """Read a file of at most ``MAX_FILE_SIZE`` bytes; a ``secret`` one must be its owner's only.

    Raises FileError, with the remedy.
    """
    try:
        with path.open("rb") as file:
            # The open file is asked, not the path: nobody can change it in between.
            mode = os.fstat(file.fileno()).st_mode
            if secret and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise FileError(
                    f"{path}: other users can reach this secret"
                    f" (mode {stat.S_IMODE(mode):04o}); run: chmod 600 {path}"
                )
            data = file.read(MAX_FILE_SIZE + 1)
    except OSError as fault:
        raise FileError(f"{path}: {fault.strerror}") from fault
    if len(data) > MAX_FILE_SIZE:
        raise FileError(f"{path}: over {MAX_FILE_SIZE} bytes, which no such file has")
    return data


def private_key_to_pem(private_key: PrivateKey, family: Family) -> bytes:
    """Write a private key as unencrypted PKCS#8 in PEM."""
    return pem.armour(_PLAIN_LABEL, pkcs8.encode(private_key, family))


def private_key_to_encrypted_pem(
    private_key: PrivateKey, family: Family, password: bytes, entropy: Callable[[int], bytes]
) -> bytes:
    """Write a private key as PKCS#8 in PEM, encrypted under ``password``.

    ``entropy`` gives as many random bytes as it is asked for.
    """
    content = pkcs8.encrypt(pkcs8.encode(private_key, family), password, entropy)
    return pem.armour(_ENCRYPTED_LABEL, content)
