"""The sources of a certificate's status, and the terms under which a service asks them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tunnel_gateway.pki.status.revocation_store import Link
from tunnel_gateway.revocation.cache import RevocationCache

Kind = Literal["folder", "crl", "ocsp"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How a service asks.

    ``timeout`` bounds an inquiry to a responder, and ``recheck`` is when to ask again, both in
    seconds. ``folder`` has lists that somebody else keeps up to date. ``ocsp_urls``, if there are
    any, replace the responders in all certificates, and ``crl_urls`` the lists in certificates that
    are not of centres, because a centre is on the list of another issuer. Each address is tried
    until one gives what is asked for.
    """

    timeout: float
    recheck: float
    cache: RevocationCache
    folder: Path | None = None
    ocsp_urls: tuple[str, ...] = ()
    crl_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusSource:
    """A source of information about ``link``; equal sources give the same.

    ``urls`` are alternatives. They are empty for the kind ``folder``.
    """

    kind: Kind
    key: tuple[str, ...]
    urls: tuple[str, ...]
    link: Link = field(compare=False)

    @property
    def file_name(self) -> str:
        """The name in the cache."""
        joined = "\0".join(self.key).encode()
        return f"{hashlib.sha256(joined).hexdigest()}.{self.kind}"


def status_sources(link: Link, terms: Terms) -> Iterator[StatusSource]:
    """Yield where the status of the certificate can be learned, the cheapest first."""
    issuer, certificate = link.issuer.fingerprint, link.certificate
    if terms.folder is not None:
        yield StatusSource("folder", (issuer, str(terms.folder)), (), link)
    replaced = () if certificate.is_ca else terms.crl_urls
    if urls := replaced or certificate.crl_urls:
        yield StatusSource("crl", (issuer, *urls), urls, link)
    if urls := terms.ocsp_urls or certificate.ocsp_urls:
        yield StatusSource("ocsp", (issuer, certificate.serial_hex), urls, link)
