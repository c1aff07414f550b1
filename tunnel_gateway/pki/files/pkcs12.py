"""PKCS#12 files (RFC 7292), called PFX or .p12 by Windows, E-IMZO and Java, to and from parts.

A file is a list of bags, each a key or a certificate with its attributes. Lots of bags, and
every key, may be encrypted, and a MAC may protect the whole. Which key and which certificates
belong together is another question: see ``keyfiles``.

A file is hostile until its MAC is checked, and without one it stays so. Its size, counts and
nesting and the work of key derivation are bounded before anything is spent on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from asn1crypto import cms, keys, pkcs12, x509

from tunnel_gateway.errors import KeystoreError, WrongPasswordError
from tunnel_gateway.pki.encoding.der import load_der, malformed_as
from tunnel_gateway.pki.encoding.kind import ONLY_CERTIFICATES, Kind, kind
from tunnel_gateway.pki.files import pbe, pkcs8

# Some four hundred certificates: a user's file has three, a nation's truststore some dozens.
MAX_SIZE: Final = 512 * 1024
MAX_BAGS: Final = 1024
# Nobody nests bags, though the standard lets them.
MAX_NESTING: Final = 4

_SALT_SIZE: Final = 16

_OTHERS: Final[Mapping[Kind, str]] = {
    "certificate": "not a PKCS#12 file (PFX) but a certificate alone (.cer, .crt): the private"
    " key is not in it",
    "pkcs7": f"not a PKCS#12 file (PFX) but {ONLY_CERTIFICATES}",
}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class KeyBag:
    """A private key, still closed if the file encrypts it; ``alias`` is its friendlyName."""

    alias: str | None
    local_id: bytes | None
    content: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateBag:
    """A certificate in DER, which need not be one that this project can use."""

    local_id: bytes | None
    der: bytes


class Pfx:
    """The ``keys`` and ``certificates`` of a file, in its order.

    ``password`` None or empty stands for no password: PKCS#12 writes that in two ways, as the empty
    one and as the null one, and both are tried. Raises WrongPasswordError if it does not open the
    file, and KeystoreError if the file is damaged, too large, too much work, or protected in
    another way than ``pbe`` knows.
    """

    def __init__(self, data: bytes, password: bytes | None) -> None:
        self.keys: list[KeyBag] = []
        self.certificates: list[CertificateBag] = []
        self._passwords: tuple[bytes | None, ...] = (password,) if password else (b"", None)
        self._work = pbe.Work()
        with self._reading():
            self._under_a_password(lambda known: self._read(data, known))

    def decrypt(self, key: KeyBag) -> bytes:
        """Return the PrivateKeyInfo of one of ``keys``, in DER; raises as the class does."""
        if not isinstance(key.content, keys.EncryptedPrivateKeyInfo):
            return bytes(key.content.dump())
        with self._reading():
            return self._under_a_password(
                lambda known: pkcs8.open_info(key.content, known, self._work)
            )

    def _under_a_password(self, read: Callable[[bytes | None], _T]) -> _T:
        *first, last = self._passwords
        for password in first:
            # Both forms of "no password" are tried; the error of the last one counts.
            with suppress(WrongPasswordError):
                return read(password)
        return read(last)

    def _read(self, data: bytes, password: bytes | None) -> None:
        self.keys.clear()
        self.certificates.clear()
        for lot in _bounded(load_der(pkcs12.AuthenticatedSafe, self._content(data, password))):
            self._read_bags(load_der(pkcs12.SafeContents, self._open(lot, password)), 1)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with malformed_as(_unusable):
                yield
        except WrongPasswordError:
            if self._passwords[0]:
                raise
            raise WrongPasswordError(
                "it is protected by a password, and none is configured for it"
            ) from None

    def _content(self, data: bytes, password: bytes | None) -> bytes:
        """Return the AuthenticatedSafe in DER, once the MAC is checked."""
        pfx = _auth_safe(data)
        content: bytes = pfx["auth_safe"]["content"].native
        if pfx["mac_data"].native is not None:
            pbe.check_mac(pfx["mac_data"], content, password, self._work)
        return content

    def _open(self, lot: cms.ContentInfo, password: bytes | None) -> bytes:
        kind = lot["content_type"].native
        if kind == "data":
            return bytes(lot["content"].native)
        if kind != "encrypted_data":
            raise KeystoreError(f"a part of it is {kind}; only passwords are supported")
        info = lot["content"]["encrypted_content_info"]
        return pbe.decrypt(
            info["content_encryption_algorithm"],
            info["encrypted_content"].native,
            password,
            self._work,
        )

    def _read_bags(self, bags: Any, depth: int) -> None:
        if depth > MAX_NESTING:
            raise KeystoreError(f"bags in bags, more than {MAX_NESTING} deep")
        for bag in _bounded(bags):
            kind, value = bag["bag_id"].native, bag["bag_value"]
            if kind == "safe_contents":
                self._read_bags(value, depth + 1)
            elif kind in ("key_bag", "pkcs8_shrouded_key_bag"):
                alias = _attribute(bag, "friendly_name")
                self.keys.append(KeyBag(alias, _attribute(bag, "local_key_id"), value.untag()))
            elif kind == "cert_bag" and value["cert_id"].native == "x509":
                der = bytes(value["cert_value"])
                self.certificates.append(CertificateBag(_attribute(bag, "local_key_id"), der))
        _bounded(self.keys)
        _bounded(self.certificates)


def shown_aliases(data: bytes) -> tuple[str | None, ...]:
    """Return the friendlyName of each key that can be seen without the password, or None.

    The key itself is encrypted, but its name is not. The MAC cannot be checked, so the names are
    not proven. Raises KeystoreError.
    """
    with malformed_as(_unusable):
        safe = load_der(pkcs12.AuthenticatedSafe, _auth_safe(data)["auth_safe"]["content"].native)
        aliases: list[str | None] = []
        for lot in _bounded(safe):
            if lot["content_type"].native == "data":
                bags = _bounded(load_der(pkcs12.SafeContents, lot["content"].native))
                aliases += [
                    _attribute(bag, "friendly_name")
                    for bag in bags
                    if bag["bag_id"].native in ("key_bag", "pkcs8_shrouded_key_bag")
                ]
        return tuple(_bounded(aliases))


def _unusable(fault: Exception) -> KeystoreError:
    return KeystoreError(
        f"not a PKCS#12 file (PFX), or a damaged one ({type(fault).__name__}); get it again"
    )


def _auth_safe(data: bytes) -> Any:
    """Return the outermost structure of a file of the only kind that is supported."""
    if len(data) > MAX_SIZE:
        raise KeystoreError(f"{len(data)} bytes of PKCS#12; {MAX_SIZE} is the limit")
    if other := _OTHERS.get(kind(data)):
        raise KeystoreError(other)
    pfx = load_der(pkcs12.Pfx, data)
    if pfx["version"].native != "v3" or pfx["auth_safe"]["content_type"].native != "data":
        raise ValueError("not of version 3, or signed with a key")
    return pfx


def _bounded(parts: Any) -> Any:
    if len(parts) > MAX_BAGS:
        raise KeystoreError(f"{len(parts)} parts in one file; {MAX_BAGS} is the limit")
    return parts


def _attribute(bag: Any, name: str) -> Any:
    """Return the one value of an attribute, or None."""
    for attribute in bag["bag_attributes"]:
        if attribute["type"].native == name:
            return attribute["values"][0].native
    return None


def write(
    private_key_info: bytes,
    chain: Sequence[bytes],
    alias: str,
    password: bytes,
    entropy: Callable[[int], bytes],
    *,
    rounds: int = pbe.ROUNDS,
) -> bytes:
    """Write a key and its chain, leaf first, all in DER, under ``password``.

    PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC, and a MAC with SHA-256. A random password needs
    fewer ``rounds`` of key derivation than a password that a person thought of. ``entropy`` returns
    as many random bytes as the caller asks for.
    """
    local_id = entropy(_SALT_SIZE)
    mark = {"type": "local_key_id", "values": [local_id]}
    name = {"type": "friendly_name", "values": [alias]}
    certificates = [
        _bag(
            "cert_bag",
            {"cert_id": "x509", "cert_value": x509.Certificate.load(der)},
            # Programs find the certificate of the key by these two, so only the leaf has them.
            [] if number else [mark, name],
        )
        for number, der in enumerate(chain)
    ]
    closed = keys.EncryptedPrivateKeyInfo.load(
        pkcs8.encrypt(private_key_info, password, entropy, rounds)
    )
    lots = [
        _closed_lot(pkcs12.SafeContents(certificates).dump(), password, entropy, rounds),
        _lot(pkcs12.SafeContents([_bag("pkcs8_shrouded_key_bag", closed, [mark, name])]).dump()),
    ]
    content = pkcs12.AuthenticatedSafe(lots).dump()
    derivation = pbe.Derivation("sha256", password, entropy(_SALT_SIZE), rounds)
    mac = {
        "mac": {
            "digest_algorithm": {"algorithm": "sha256"},
            "digest": pbe.mac(derivation, content, pbe.Work()),
        },
        "mac_salt": derivation.salt,
        "iterations": rounds,
    }
    return bytes(pkcs12.Pfx({"version": 3, "auth_safe": _lot(content), "mac_data": mac}).dump())


def _bag(kind: str, value: Any, attributes: list[Any]) -> pkcs12.SafeBag:
    fields = {"bag_id": kind, "bag_value": value}
    return pkcs12.SafeBag(fields | ({"bag_attributes": attributes} if attributes else {}))


def _lot(content: bytes) -> cms.ContentInfo:
    return cms.ContentInfo({"content_type": "data", "content": content})


def _closed_lot(
    content: bytes, password: bytes, entropy: Callable[[int], bytes], rounds: int
) -> cms.ContentInfo:
    algorithm, closed = pbe.encrypt(content, password, entropy, rounds)
    info = {
        "content_type": "data",
        "content_encryption_algorithm": algorithm,
        "encrypted_content": closed,
    }
    data = cms.EncryptedData({"version": 0, "encrypted_content_info": info})
    return cms.ContentInfo({"content_type": "encrypted_data", "content": data})
