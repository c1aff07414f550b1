"""Whether browsers trust the authority that made the certificate of the wss address."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from cryptography import x509

from tunnel_gateway.agent.api.local_certificate import read_certificate
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.browser_profiles import certificate_stores
from tunnel_gateway.doctor.commands import CommandError, output_of
from tunnel_gateway.doctor.observation import Observation

_MAX_NAMES: Final = 50
# The flags of certutil for an authority that may vouch for servers.
_TRUSTS: Final = frozenset("CT")


def check_trust(home: Path, authority: Path) -> Iterator[Observation]:
    """Yield an observation for each store of a browser that NSS reads."""
    certificate = read_certificate(authority)
    stores = certificate_stores(home)
    if certificate is None:
        return  # the observation of the certificate itself says so
    if not stores:
        yield texts.NO_STORES.seen(str(home))
    for store in stores:
        subject = f"{store.browser} {store.folder}"
        try:
            trusted = _trusts(store.folder, certificate)
        except CommandError as error:
            missing = "not installed" in str(error)
            row = texts.NO_CERTUTIL if missing else texts.STORE_UNREADABLE
            yield row.seen(subject, fault=error)
        else:
            yield (texts.TRUSTED if trusted else texts.NOT_TRUSTED).seen(subject)


def _trusts(store: Path, certificate: x509.Certificate) -> bool:
    """Tell whether a store has this very certificate as an authority for servers."""
    database = f"sql:{store}"
    for name in islice(_authorities(output_of("certutil", "-L", "-d", database)), _MAX_NAMES):
        shown = output_of("certutil", "-L", "-d", database, "-n", name, "-a")
        try:
            stored = x509.load_pem_x509_certificates(shown.encode())
        except ValueError:
            continue
        if certificate in stored:
            return True
    return False


def _authorities(listing: str) -> Iterator[str]:
    """Yield the names of the authorities in a list of certutil: ``NAME    C,,``."""
    for line in listing.splitlines():
        name, _, flags = line.rstrip().rpartition(" ")
        servers, comma, _ = flags.partition(",")
        if comma and _TRUSTS & set(servers):
            yield name.strip()
