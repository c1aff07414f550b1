"""``tunnel.servers.dir``: one folder or one PFX for each domain, with its key and its chain.

::

    example.uz.pfx            key and chain as the certification centre gives them out. Or:
    example.uz/key.pem        PKCS#8, encrypted or not, readable by its owner only.
    example.uz/chain.pem      the domain's certificate, then the certificates of the centre.
    example.uz.pfx.password   the password of the PFX, if it is not tunnel.servers.password.
    example.uz.password       the password of the key, if it is not tunnel.servers.password.

A domain's PFX holds one key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tunnel_gateway.errors import (
    CertificateError,
    ConfigError,
    Fault,
    FileError,
    ProtocolViolationError,
)
from tunnel_gateway.os_errors import sentence
from tunnel_gateway.pki.certificates.names import normalise_domain
from tunnel_gateway.pki.files.keyfiles import (
    PASSWORD_SUFFIX,
    Identity,
    load_identity,
    password_beside,
)
from tunnel_gateway.pki.trust.validation import check_server
from tunnel_gateway.protocol.authentication import claim

KEY_FILE: Final = "key.pem"
CHAIN_FILE: Final = "chain.pem"
PFX_SUFFIX: Final = ".pfx"


def load_domains(directory: Path, password: bytes | None) -> dict[str, Identity]:
    """Load every domain's identity, by name; ``password`` opens keys without their own password.

    Raises ConfigError with a fault for each file that cannot be used.
    """
    identities, faults = read_domains(directory, password)
    if faults:
        raise ConfigError(faults)
    return identities


def read_domains(
    directory: Path, password: bytes | None
) -> tuple[dict[str, Identity], list[Fault]]:
    """Return the identities that can be used, by domain, and a fault for each that cannot."""
    identities: dict[str, Identity] = {}
    faults: list[Fault] = []
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        return {}, [Fault(f"cannot be read: {sentence(error)}", str(directory))]
    for entry in entries:
        if entry.name.startswith(".") or entry.name.endswith(PASSWORD_SUFFIX):
            continue
        try:
            domain = _domain_of(entry)
            if domain in identities:
                faults.append(Fault(f"a second key for {domain}; move one away", str(entry)))
                continue
            identities[domain] = _load_domain(entry, domain, password)
        except FileError as error:
            faults.append(Fault(str(error).removeprefix(f"{entry}: "), str(entry)))
        except CertificateError as error:
            faults.append(Fault(f"{error}; rename it or replace the certificate", str(entry)))
    if not identities and not faults:
        faults.append(
            Fault(
                f"no domains: put a file DOMAIN{PFX_SUFFIX} here, or a folder named like the"
                f" domain with {KEY_FILE} and {CHAIN_FILE}",
                str(directory),
            )
        )
    return identities, faults


def _domain_of(entry: Path) -> str:
    domain = entry.name
    if not entry.is_dir():
        domain = entry.name.removesuffix(PFX_SUFFIX)
        if domain == entry.name:
            raise FileError(
                f"neither a domain's folder with {KEY_FILE} and {CHAIN_FILE} nor a file"
                f" DOMAIN{PFX_SUFFIX}; move it away"
            )
    if not _is_normal(domain):
        raise FileError("not a domain in lower case, as A-labels; rename it")
    return domain


def _load_domain(entry: Path, domain: str, password: bytes | None) -> Identity:
    password = password_beside(entry) or password
    if entry.is_dir():
        identity = load_identity(entry / KEY_FILE, entry / CHAIN_FILE, password)
    else:
        identity = load_identity(entry, None, password)
    identity.private_key.lock()
    check_server(identity.leaf, domain)
    try:
        claim(identity, None)
    except ProtocolViolationError as error:
        raise FileError(f"its chain: {error}") from None
    return identity


def _is_normal(name: str) -> bool:
    try:
        return name == normalise_domain(name)
    except ValueError:
        return False
