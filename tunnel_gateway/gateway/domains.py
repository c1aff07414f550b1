"""``tunnel.servers.dir``: one folder for each domain, with its key and its certificate chain.

::

    example.uz/key.pem      PKCS#8, encrypted or not, readable by its owner only
    example.uz/chain.pem    the domain's certificate, then the centre's
    example.uz.password     the key's password, if it is not tunnel.servers.password
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
from tunnel_gateway.pki.keyfiles import Identity, load_identity, read_file
from tunnel_gateway.pki.names import normalise_domain
from tunnel_gateway.pki.validation import check_server
from tunnel_gateway.protocol.authentication import claim

KEY_FILE: Final = "key.pem"
CHAIN_FILE: Final = "chain.pem"
PASSWORD_SUFFIX: Final = ".password"  # noqa: S105 (a file name)


def load_domains(directory: Path, password: bytes | None) -> dict[str, Identity]:
    """Load every domain's identity, by name; ``password`` opens keys without one of their own.

    Raises ConfigError with a fault for each file that cannot be used.
    """
    identities: dict[str, Identity] = {}
    faults: list[Fault] = []
    for entry in sorted(directory.iterdir()):
        if entry.name.startswith(".") or entry.name.endswith(PASSWORD_SUFFIX):
            continue
        try:
            identities[entry.name] = _load_domain(entry, password)
        except FileError as error:
            faults.append(Fault(str(error), str(entry)))
        except CertificateError as error:
            faults.append(Fault(f"{error}; rename the folder or replace chain.pem", str(entry)))
    if not identities and not faults:
        faults.append(
            Fault(
                f"no domains: make a folder named like the domain with {KEY_FILE} and {CHAIN_FILE}",
                str(directory),
            )
        )
    if faults:
        raise ConfigError(faults)
    return identities


def _load_domain(folder: Path, password: bytes | None) -> Identity:
    if not folder.is_dir():
        raise FileError(f"not a domain's folder with {KEY_FILE} and {CHAIN_FILE}; move it away")
    if not _is_normal(folder.name):
        raise FileError("not a domain in lower case, as A-labels; rename the folder")
    own = folder.with_name(folder.name + PASSWORD_SUFFIX)
    if own.exists():
        password = read_file(own, secret=True).strip()
    identity = load_identity(folder / KEY_FILE, folder / CHAIN_FILE, password)
    check_server(identity.leaf, folder.name)
    try:
        claim(identity, None)
    except ProtocolViolationError as error:
        raise FileError(f"{folder / CHAIN_FILE}: {error}") from None
    return identity


def _is_normal(name: str) -> bool:
    try:
        return name == normalise_domain(name)
    except ValueError:
        return False
