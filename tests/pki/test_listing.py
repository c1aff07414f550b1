"""Revocation lists of the development authority, read again by our reader and by another one."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from cryptography import x509

from tests.support.pki import NOW, authority
from tunnel_gateway.pki.listing import issue_list
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.revoked_info import REASONS, RevokedInfo

HOUR = timedelta(hours=1)


def made(revoked: dict[int, RevokedInfo]) -> bytes:
    return issue_list(
        authority().centre,
        revoked,
        this_update=NOW,
        next_update=NOW + HOUR,
        entropy=os.urandom,
    )


def test_an_empty_list() -> None:
    data = made({})
    read = RevocationList(data)
    read.proven_by(authority().centre.leaf)
    assert (read.entries(), read.this_update, read.next_update) == ({}, NOW, NOW + HOUR)
    assert x509.load_der_x509_crl(data).extensions.get_extension_for_class(x509.CRLNumber)


@pytest.mark.parametrize("reason", [None, *filter(None, REASONS)])
def test_a_revocation_and_its_reason(reason: str | None) -> None:
    data = made({7: RevokedInfo(NOW - HOUR, reason), 2**159 - 1: RevokedInfo(None, None)})
    read = RevocationList(data)
    read.proven_by(authority().centre.leaf)
    assert read.entries() == {
        7: RevokedInfo(NOW - HOUR, reason),
        2**159 - 1: RevokedInfo(NOW, None),
    }
    entry = x509.load_der_x509_crl(data).get_revoked_certificate_by_serial_number(7)
    assert entry is not None
    flags = [one.value.reason.value for one in entry.extensions]
    assert flags == ([] if reason is None else [reason])
