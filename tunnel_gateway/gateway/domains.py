"""``tunnel.servers.dir``: one folder or one PFX for each domain, with its key and its chain.

::

    example.uz.pfx            key and chain as the certification centre gives them out. Or:
    example.uz/key.pem        PKCS#8, encrypted or not, readable by its owner only.
    example.uz/chain.pem      the domain's certificate, then the certificates of the centre.
    example.uz.pfx.password   the password of the PFX, if it is not tunnel.servers.password.
    example.uz.password       the password of the key, if it is not tunnel.servers.password.
    example.uz.c.pfx          a further key of example.uz, on the curve CryptoPro-C; or a folder
                              example.uz.c. The letters are a, b and c.

A domain's PFX holds one key. Users of STP need a key on their own curve, so a domain may have one
on each. Our own protocol uses the one on CryptoPro-A if there are several, or else the one without
a letter. No domain has a single letter as its last label, so the name of a further key cannot be
the name of another domain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tunnel_gateway.errors import (
    CertificateError,
    ConfigError,
    Fault,
    FileError,
    ProtocolViolationError,
)
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C, Curve
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
_CURVE_OF: Final = {"a": CRYPTOPRO_A, "b": CRYPTOPRO_B, "c": CRYPTOPRO_C}


class Domains(dict[str, Identity]):
    """The key of each domain for our own protocol; ``keys_of`` has all keys of each domain."""

    def __init__(self, keys_of: Mapping[str, Sequence[Identity]]) -> None:
        super().__init__((name, keys[0]) for name, keys in keys_of.items())
        self.keys_of = {name: tuple(keys) for name, keys in keys_of.items()}


def load_domains(directory: Path, password: bytes | None) -> Domains:
    """Load the identities of every domain; ``password`` opens keys without their own password.

    Raises ConfigError with a fault for each file that cannot be used.
    """
    identities, faults = read_domains(directory, password)
    if faults:
        raise ConfigError(faults)
    return identities


def read_domains(directory: Path, password: bytes | None) -> tuple[Domains, list[Fault]]:
    """Return the identities that can be used, by domain, and a fault for each that cannot."""
    identities: dict[str, list[Identity]] = {}
    faults: list[Fault] = []
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        return Domains({}), [Fault(f"cannot be read: {sentence(error)}", str(directory))]
    for entry in entries:
        if entry.name.startswith(".") or entry.name.endswith(PASSWORD_SUFFIX):
            continue
        try:
            domain, curve = _domain_of(entry)
            identity = _load_domain(entry, domain, password)
            _add(identities.setdefault(domain, []), identity, curve, domain)
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
    return Domains({name: keys for name, keys in identities.items() if keys}), faults


def _add(keys: list[Identity], identity: Identity, said: Curve | None, domain: str) -> None:
    """Add a key whose name says a curve or none. The first is that of our own protocol."""
    curve = identity.private_key.curve
    if said not in (None, curve):
        raise FileError(f"the key is on {curve.name}; name it after that curve")
    if curve in (other.private_key.curve for other in keys):
        raise FileError(f"a second key for {domain} on {curve.name}; move one away")
    on_a = bool(keys) and keys[0].private_key.curve is CRYPTOPRO_A
    first = curve is CRYPTOPRO_A or (said is None and not on_a)
    keys.insert(0 if first else len(keys), identity)


def _domain_of(entry: Path) -> tuple[str, Curve | None]:
    """Return the domain that the name says, and the curve if it says one."""
    domain = entry.name
    if not entry.is_dir():
        domain = entry.name.removesuffix(PFX_SUFFIX)
        if domain == entry.name:
            raise FileError(
                f"neither a domain's folder with {KEY_FILE} and {CHAIN_FILE} nor a file"
                f" DOMAIN{PFX_SUFFIX}; move it away"
            )
    name, _, letter = domain.rpartition(".")
    curve = _CURVE_OF.get(letter) if name else None
    domain = name if curve else domain
    if not _is_normal(domain):
        raise FileError("not a domain in lower case, as A-labels; rename it")
    return domain, curve


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
