"""A development authority for tests: certificates of every kind, good and bad, in a few calls.

Everything is made at ``NOW``; the authority is made once in a process.
"""

from __future__ import annotations

import functools
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import core, x509

from tunnel_gateway.gost import signature
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.authority import DOMAIN, USER, Authority, Person
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.keyfiles import Identity

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MADE = NOW - 30 * DAY
PERSON = Person("G‘ANIYEV O‘KTAM", pinfl="10000000000001", uid="400000001")
OFFICER = Person(
    "TO‘LAGANOVA OYGUL",
    pinfl="10000000000002",
    uid="400000002",
    inn="300000001",
    organisation="NAMUNA MCHJ",
)


@functools.cache
def authority() -> Authority:
    """The authority that the tests trust."""
    return Authority.create(now=MADE, entropy=os.urandom)


@functools.cache
def stranger() -> Authority:
    """Another authority with the same names, which the tests do not trust."""
    return Authority.create(now=MADE, entropy=os.urandom)


def user(issuer: Authority | None = None, person: Person = PERSON, **changes: Any) -> Identity:
    """A user; ``changes`` are fields of the profile, e.g. ``not_after=NOW - DAY``."""
    return (issuer or authority()).issue_user(
        person, now=MADE, entropy=os.urandom, profile=replace(USER, **changes)
    )


def domain(
    name: str = "example.uz",
    issuer: Authority | None = None,
    dns_names: list[str] | None = None,
    **changes: Any,
) -> Identity:
    """A domain; ``changes`` are fields of the profile."""
    return (issuer or authority()).issue_domain(
        name,
        now=MADE,
        entropy=os.urandom,
        profile=replace(DOMAIN, **changes),
        dns_names=dns_names,
    )


def ders(identity: Identity) -> list[bytes]:
    """The chain as it goes over the wire."""
    return [certificate.der for certificate in identity.chain]


def altered(certificate: Certificate, signer: Identity | None = None, **changes: bytes) -> bytes:
    """The certificate with fields of its body replaced by the DER given (empty: left out).

    Signed anew by ``signer``; without one the signature is wrong.
    """
    body = x509.Certificate.load(certificate.der)["tbs_certificate"]
    fields = {name: body[name].dump() for name in body} | changes
    new_body = core.Sequence(contents=b"".join(fields.values())).dump()
    signed = b"\x01" * 64
    if signer is not None:
        signed = signature.sign(signer.private_key, digest(new_body), os.urandom(32))
    parts = [new_body, fields["signature"], core.OctetBitString(signed).dump()]
    return bytes(core.Sequence(contents=b"".join(parts)).dump())


def extension(oid: str, content: bytes, *, critical: bool = False) -> x509.Extension:
    """An extension with any content, also a malformed one."""
    parts = [
        core.ObjectIdentifier(oid).dump(),
        core.Boolean(True).dump() if critical else b"",
        core.OctetString(content).dump(),
    ]
    return x509.Extension.load(core.Sequence(contents=b"".join(parts)).dump())
