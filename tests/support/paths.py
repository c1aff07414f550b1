"""Certificates under any issuer, and the search for their path."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from asn1crypto import core, x509

from tests.support.pki import DAY, MADE, NOW, altered, authority
from tunnel_gateway.errors import CertificateError
from tunnel_gateway.pki.authority import CENTRE, Profile, issue
from tunnel_gateway.pki.certificates.certificate import Certificate, parse_certificate
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.paths import GostSignatureValidator, find_path, make_anchor


class Counting(GostSignatureValidator):
    """Counts the signatures that were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.checks = 0

    def check(self, signature: bytes, signed_data: bytes, key: bytes, algorithm: bytes) -> None:
        self.checks += 1
        super().check(signature, signed_data, key, algorithm)


def find(
    chain: Sequence[Certificate],
    anchors: Sequence[Certificate] | None = None,
    at: datetime = NOW,
    signatures: GostSignatureValidator | None = None,
) -> tuple[bytes, ...]:
    parsed = [parse_certificate(one.der) for one in chain]
    roots = [make_anchor(parse_certificate(one.der)) for one in anchors or [authority().root.leaf]]
    path = find_path(
        parsed[0], parsed[1:], roots, at, signatures=signatures or GostSignatureValidator()
    )
    return tuple(one.dump() for one in path)


def make(issuer: Identity | None, name: str, profile: Profile = CENTRE, **changes: Any) -> Identity:
    """A certificate under any issuer."""
    changed = replace(profile, **changes)
    return issue(issuer, [("CN", name)], changed, now=MADE, entropy=os.urandom)


def refused(
    error: type[CertificateError], reason: str, chain: Sequence[Certificate], **more: Any
) -> None:
    with pytest.raises(CertificateError, match=reason) as caught:
        find(chain, **more)
    assert type(caught.value) is error


def certified_again(
    identity: Identity,
    signer: Identity | None = None,
    *,
    days: tuple[int, int],
    serial: int = 0,
    at: datetime = NOW,
) -> Certificate:
    """A twin: the same name and key with other dates, in days from ``at``, signed by ``signer``.

    Without one it signs itself. Its serial number is another one, or the one given.
    """
    start, end = (x509.Time("utc_time", at + day * DAY).dump() for day in days)
    return Certificate.from_der(
        altered(
            identity.leaf,
            signer or identity,
            serial_number=core.Integer(serial or secrets.randbits(60) + 1).dump(),
            validity=core.Sequence(contents=start + end).dump(),
        )
    )


def without_identifiers(certificate: Certificate) -> Certificate:
    """The same without key identifiers, so that nothing but names tells issuers apart."""
    parsed = x509.Certificate.load(certificate.der)["tbs_certificate"]
    kept = [
        one.dump()
        for one in parsed["extensions"]
        if one["extn_id"].native not in {"key_identifier", "authority_key_identifier"}
    ]
    wrapped = x509.Extensions(explicit=3, contents=b"".join(kept)).dump()
    return Certificate.from_der(altered(certificate, extensions=wrapped))
