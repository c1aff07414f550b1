"""The folder of a development authority, as ``pki init`` makes it: which file holds what.

::

    truststore.pem                            the root
    ca/NAME.pem, NAME.key.pem                 root, centre, tsa, ocsp and api-keys, with their keys
    ca/issued/ISSUER/SERIAL.cer               every certificate that was issued, by serial number
    crl/root.crl, centre.crl                  the revoked ones
    servers/DOMAIN/…, servers-pfx/DOMAIN.pfx  domains
    users/NAME/…                              users
"""

from __future__ import annotations

import os
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tunnel_gateway.errors import FileError, RevocationDataError
from tunnel_gateway.os_errors import sentence
from tunnel_gateway.pki.authority import Authority
from tunnel_gateway.pki.certificates.alias import make_alias
from tunnel_gateway.pki.certificates.certificate import Certificate, to_pem
from tunnel_gateway.pki.files import pbe
from tunnel_gateway.pki.files.keyfiles import (
    PASSWORD_SUFFIX,
    Identity,
    identity_to_pfx,
    load_identity,
    private_key_to_encrypted_pem,
    private_key_to_pem,
)
from tunnel_gateway.pki.listing import issue_list
from tunnel_gateway.pki.services import CENTRE_NAME, ROOT_NAME
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.revoked_info import RevokedInfo

ISSUERS: Final = (ROOT_NAME, CENTRE_NAME)
TIME_STAMPER: Final = "tsa"
RESPONDER: Final = "ocsp"
API_KEY_SIGNER: Final = "api-keys"

_LIST_LIFE: Final = timedelta(days=30)
# The password is 160 random bits, so more rounds would only cost time. OpenSSL uses this number.
_ROUNDS_FOR_A_DRAWN_PASSWORD: Final = 2048


@dataclass(frozen=True, slots=True)
class AuthorityFolder:
    """Reads and writes the files, but never over one that is there, except a revocation list.

    ``password`` encrypts all private keys; None leaves them as they are. The methods raise
    FileError.
    """

    path: Path
    password: bytes | None = None

    # --- what is there ---------------------------------------------------------------------

    def is_free(self) -> bool:
        """Tell whether there is no such folder, or an empty one."""
        try:
            return not self.path.exists() or not any(self.path.iterdir())
        except OSError as fault:
            raise FileError(f"{self.path}: {sentence(fault)}") from fault

    def identity(self, name: str) -> Identity:
        """Return the key and the chain of a part of the authority."""
        key = self.path / "ca" / f"{name}.key.pem"
        if not key.exists():
            raise FileError(
                f"{key}: not there; name the DIR of a pki init, or make a new authority with it"
            )
        return load_identity(key, self.path / "ca" / f"{name}.pem", self.password)

    def authority(self) -> Authority:
        """Return the root and the centre."""
        return Authority(self.identity(ROOT_NAME), self.identity(CENTRE_NAME))

    def domain_folder(self, domain: str) -> Path:
        """Return the folder of a domain."""
        return self.path / "servers" / domain

    def user_folder(self, name: str) -> Path:
        """Return the folder of a user."""
        return self.path / "users" / name

    def list_path(self, issuer: str) -> Path:
        """Return the file with the revocation list of an issuer."""
        return self.path / "crl" / f"{issuer}.crl"

    def is_issued(self, issuer: str, serial: int) -> bool:
        """Tell whether the issuer, "root" or "centre", has given out this serial number."""
        return (self.path / _issued_name(issuer, serial)).exists()

    def revocations(self, issuer: str) -> Mapping[int, RevokedInfo]:
        """Return the revoked serial numbers of an issuer."""
        path = self.list_path(issuer)
        try:
            return RevocationList(path.read_bytes()).entries() if path.exists() else {}
        except OSError as fault:
            raise FileError(f"{path}: {sentence(fault)}") from fault
        except RevocationDataError as fault:
            raise FileError(f"{path}: {fault}; move it away to begin a new list") from fault

    # --- what is written -------------------------------------------------------------------

    def add_part(self, name: str, identity: Identity) -> None:
        """Write the key and the chain of a part of the authority."""
        self._write_identity(identity, f"ca/{name}.pem", f"ca/{name}.key.pem")

    def add_truststore(self, root: Certificate) -> None:
        """Write the root for programs that trust it."""
        self._write("truststore.pem", to_pem([root]), 0o644)

    def add_issued(self, issuer: str, certificate: Certificate) -> None:
        """Remember a certificate that was issued."""
        self._write(_issued_name(issuer, certificate.serial), certificate.der, 0o644)

    def add_domain(self, domain: str, identity: Identity) -> None:
        """Write a domain in both forms."""
        self.add_issued(CENTRE_NAME, identity.leaf)
        self._write_identity(identity, f"servers/{domain}/chain.pem", f"servers/{domain}/key.pem")
        self._write_pfx(identity, f"servers-pfx/{domain}.pfx", domain)

    def add_user(self, name: str, identity: Identity) -> None:
        """Write a user in both forms."""
        self.add_issued(CENTRE_NAME, identity.leaf)
        self._write_identity(identity, f"users/{name}/chain.pem", f"users/{name}/key.pem")
        self._write_pfx(identity, f"users/{name}/user.pfx", make_alias(identity.leaf))

    def write_list(
        self, name: str, issuer: Identity, revoked: Mapping[int, RevokedInfo], now: datetime
    ) -> None:
        """Write the revocation list of an issuer; who reads it sees the old one or the new one."""
        path = self.list_path(name)
        data = issue_list(
            issuer, revoked, this_update=now, next_update=now + _LIST_LIFE, entropy=os.urandom
        )
        try:
            path.parent.mkdir(exist_ok=True)
            draft = path.with_name(f".{path.name}")
            draft.write_bytes(data)
            draft.replace(path)
        except OSError as fault:
            raise FileError(f"{path}: {sentence(fault)}") from fault

    def _write(self, name: str, data: bytes, mode: int) -> None:
        path = self.path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Private from the first moment, and not only once it is written.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
                file.write(data)
        except OSError as fault:
            raise FileError(f"{path}: {sentence(fault)}") from fault

    def _write_identity(self, identity: Identity, chain_name: str, key_name: str) -> None:
        key, family = identity.private_key, identity.leaf.family
        pem = (
            private_key_to_pem(key, family)
            if self.password is None
            else private_key_to_encrypted_pem(key, family, self.password, os.urandom)
        )
        self._write(key_name, pem, 0o600)
        self._write(chain_name, to_pem(identity.chain), 0o644)

    def _write_pfx(self, identity: Identity, name: str, alias: str) -> None:
        password, rounds = self.password, pbe.ROUNDS
        if password is None:
            password, rounds = b32encode(os.urandom(20)).lower(), _ROUNDS_FOR_A_DRAWN_PASSWORD
            self._write(f"{name}{PASSWORD_SUFFIX}", password + b"\n", 0o600)
        self._write(
            name, identity_to_pfx(identity, alias, password, os.urandom, rounds=rounds), 0o600
        )


def _issued_name(issuer: str, serial: int) -> str:
    return f"ca/issued/{issuer}/{serial:x}.cer"
