"""Key and certificate files: a private key and the chain that belongs to it, as an Identity.

A key lies in PEM, with its chain in another file or in the same one, or in a PFX together with
its chain. The two are told apart by content and not by name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from tunnel_gateway.errors import (
    CertificateUnsuitableError,
    FileError,
    InvalidKeyError,
    KeystoreError,
    WrongPasswordError,
)
from tunnel_gateway.gost.curves import PrivateKey
from tunnel_gateway.os_errors import sentence
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import pem
from tunnel_gateway.pki.encoding.oids import Family
from tunnel_gateway.pki.encoding.tags import starts_sequence
from tunnel_gateway.pki.files import jks, pbe, pkcs8, pkcs12
from tunnel_gateway.pki.files.bundle import read_certificates
from tunnel_gateway.pki.trust.validation import MAX_CHAIN_LENGTH
from tunnel_gateway.plain_text import utf8

# A chain has a few KiB and a key less than one; a truststore can hold a whole nation's roots.
MAX_FILE_SIZE: Final = 4 * 1024 * 1024

# Beside a file with a secret, its password: ``example.uz.pfx`` and ``example.uz.pfx.password``.
PASSWORD_SUFFIX: Final = ".password"  # noqa: S105 (a file name)

_PLAIN_LABEL: Final = "PRIVATE KEY"
_ENCRYPTED_LABEL: Final = "ENCRYPTED PRIVATE KEY"
_SHOWN_ALIASES: Final = 5
_FOR_WHOM: Final = "the user of this process must own it or be able to read it"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key and its certificate chain, leaf first.

    Raises InvalidKeyError if the key is not the key of the leaf.
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


def load_identity(
    key_path: Path,
    chain_path: Path | None = None,
    password: bytes | None = None,
    alias: str | None = None,
) -> Identity:
    """Read a private key and its chain, and check that they belong together.

    The key is PKCS#8 in PEM, encrypted or not, with its chain in ``chain_path`` or, without
    it, in the same file; or a PFX, which has the chain in it. ``alias`` chooses among several
    keys in a PFX. Raises FileError with the file and the reason, for example that other users
    can read the key.
    """
    data = read_file(key_path, secret=_no_key)
    if chain_path is None:
        return _in_file(key_path, lambda: read_identity(data, password, alias))
    if not pem.is_pem(data):
        raise FileError(f"{key_path}: not PEM; a PFX has its chain in it, leave out {chain_path}")
    private_key = _in_file(key_path, lambda: _decode_pem(data, password))
    chain = load_certificates(chain_path)
    return _in_file(f"{key_path} and {chain_path}", lambda: Identity(private_key, chain))


def _in_file(path: Path | str, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except (InvalidKeyError, KeystoreError, CertificateUnsuitableError) as fault:
        raise FileError(f"{path}: {fault}") from fault


def read_identity(data: bytes, password: bytes | None, alias: str | None = None) -> Identity:
    """Read a key with its chain from the bytes of one file, PEM or PFX.

    Raises InvalidKeyError, CertificateUnsuitableError, WrongPasswordError or KeystoreError.
    """
    if is_pfx(data):
        return _choose(pkcs12.Pfx(data, password), alias)
    if jks.is_java_keystore(data):
        raise KeystoreError(
            f"a keystore in Java's old format, which may be a truststore only; {jks.CONVERSION}"
        )
    return Identity(_decode_pem(data, password), read_certificates(data))


def is_pfx(data: bytes) -> bool:
    """Tell a PFX from PEM: it is DER, so it starts with the tag of a SEQUENCE."""
    return starts_sequence(data) and not pem.is_pem(data)


def is_encrypted(path: Path) -> bool:
    """Tell whether the key in ``path`` needs a password; raises FileError as when it is read."""
    data = read_file(path, secret=_no_key)
    try:
        return is_pfx(data) or any(block.label == _ENCRYPTED_LABEL for block in pem.blocks(data))
    except ValueError as fault:
        raise FileError(f"{path}: {fault}") from fault


def _decode_pem(data: bytes, password: bytes | None) -> PrivateKey:
    try:
        key_blocks = [block for block in pem.blocks(data) if block.label.endswith(_PLAIN_LABEL)]
    except ValueError as fault:
        raise InvalidKeyError(str(fault)) from fault
    if len(key_blocks) != 1:
        raise InvalidKeyError(f"{len(key_blocks)} private keys in PEM; there must be one")
    label, content, _ = key_blocks[0]
    if label == _PLAIN_LABEL:
        return pkcs8.decode(content)
    if label != _ENCRYPTED_LABEL:
        raise InvalidKeyError(f"a key of the form {label!r}; it must be PKCS#8 (PRIVATE KEY)")
    if password is None:
        raise WrongPasswordError("the key is encrypted, and no password is configured for it")
    return pkcs8.decode(pkcs8.decrypt(content, password))


def _choose(pfx: pkcs12.Pfx, alias: str | None) -> Identity:
    key_bags = [key for key in pfx.keys if alias is None or key.alias == alias]
    if len(key_bags) != 1:
        known = ", ".join(repr(key.alias) for key in pfx.keys[:_SHOWN_ALIASES]) or "none"
        wanted = "" if alias is None else f" with the alias {alias!r}"
        raise KeystoreError(
            f"{len(key_bags)} private keys{wanted}; there must be one (it has {known})"
        )
    (key,) = key_bags
    private_key = pkcs8.decode(pfx.decrypt(key))
    own, everyone = _certificates(pfx, key)
    public_key = private_key.public_key()
    leaves = [
        certificate for certificate in own or everyone if certificate.public_key == public_key
    ]
    if everyone and not leaves:
        raise InvalidKeyError(
            f"the private key does not belong to its certificate ({(own or everyone)[0].label});"
            " one of the two was replaced"
        )
    # A key may be certified twice: by itself and by a centre, or again before the end.
    chains = [_chain(leaf, everyone) for leaf in leaves]
    best = max(chains, key=lambda chain: (len(chain), chain[0].not_after), default=())
    return Identity(private_key, best)


def _certificates(
    pfx: pkcs12.Pfx, key: pkcs12.KeyBag
) -> tuple[list[Certificate], list[Certificate]]:
    """Return the certificates with the key's mark, and all; foreign ones are left out.

    Raises CertificateUnsuitableError if no certificate is left, or the one with the mark is of
    foreign algorithms.
    """
    own, everyone, fault = [], [], None
    for bag in pfx.certificates:
        is_own = key.local_id is not None and bag.local_id == key.local_id
        try:
            certificate = Certificate.from_der(bag.der)
        except CertificateUnsuitableError as error:
            if is_own:
                raise
            fault = fault or error
        else:
            everyone.append(certificate)
            own += [certificate] if is_own else []
    if fault and not everyone:
        raise fault
    return own, everyone


def _chain(leaf: Certificate, others: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """Return the leaf, then all certificates with the names of its issuers."""
    chain = [leaf]
    for known in chain:
        chain += [
            certificate
            for certificate in others
            if known.names(certificate) and certificate not in chain
        ]
        if len(chain) > MAX_CHAIN_LENGTH:
            raise InvalidKeyError(
                f"more than {MAX_CHAIN_LENGTH} certificates that could be the chain of"
                f" {leaf.label}; leave in only those that lead to the root"
            )
    return tuple(chain)


def load_certificates(path: Path) -> tuple[Certificate, ...]:
    """Read a PEM bundle, or one certificate in DER; raises FileError."""
    data = read_file(path)
    return _in_file(path, lambda: read_certificates(data))


def read_file(
    path: Path, *, secret: Callable[[bytes], str] | None = None, limit: int = MAX_FILE_SIZE
) -> bytes:
    """Read a file of at most ``limit`` bytes; raises FileError, with the remedy.

    Only the owner may be able to read a ``secret``. The function says why some bytes are not such a
    secret, or "": nobody must be told to close a file of the system that was named by mistake.
    """
    if path.is_fifo() and Path("/dev") not in path.parents:
        raise FileError(f"{path}: a pipe, which might never end; it must be a file")
    try:
        with path.open("rb") as file:
            # The open file is checked, not the path: nobody can replace it in between.
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(limit + 1)
    except PermissionError as fault:
        raise FileError(f"{path}: {fault.strerror}; {_FOR_WHOM}") from fault
    except OSError as fault:
        raise FileError(f"{path}: {sentence(fault)}") from fault
    if len(data) > limit:
        raise FileError(f"{path}: over {limit} bytes, which no such file has")
    if secret and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise FileError(
            f"{path}: "
            + (
                secret(data)
                or f"other users can reach this secret (mode {stat.S_IMODE(mode):04o});"
                f" run: chmod 600 {path}"
            )
        )
    return data


def _no_key(data: bytes) -> str:
    held = is_pfx(data) or _PLAIN_LABEL.encode() in data or jks.is_java_keystore(data)
    return "" if held else "there is no private key in it; name a PFX, or a PKCS#8 key in PEM"


def _no_password(data: bytes) -> str:
    lines = data.rstrip(b"\r\n").count(b"\n") + 1
    return "" if lines <= 2 else f"{lines} lines, and a password file has one"


def read_password(path: Path) -> bytes:
    """Read a file with a password and perhaps a line end; only its owner may read the file.

    A byte order mark is not part of the password, and UTF-16 with such a mark is read. Raises
    FileError; an empty password is one of the reasons.
    """
    try:
        password = utf8(read_file(path, secret=_no_password)).rstrip(b"\r\n")
    except ValueError as fault:
        raise FileError(f"{path}: damaged text in UTF-16; save it as UTF-8") from fault
    if not password:
        raise FileError(f"{path}: there is no password in it")
    return password


def password_beside(path: Path) -> bytes | None:
    """Return the password from ``PATH.password``, or None if there is no such file."""
    beside = path.with_name(path.name + PASSWORD_SUFFIX)
    return read_password(beside) if beside.exists() else None


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


def identity_to_pfx(
    identity: Identity,
    alias: str,
    password: bytes,
    entropy: Callable[[int], bytes],
    *,
    rounds: int = pbe.ROUNDS,
) -> bytes:
    """Write a key and its chain as a PFX in the form of E-IMZO; see ``pkcs12.write``."""
    info = pkcs8.encode(identity.private_key, identity.leaf.family)
    chain = [certificate.der for certificate in identity.chain]
    return pkcs12.write(info, chain, alias, password, entropy, rounds=rounds)
