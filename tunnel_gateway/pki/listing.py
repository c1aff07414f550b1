"""Revocation lists made (RFC 5280, section 5), for development and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from asn1crypto import crl, x509

from tunnel_gateway.gost import signature
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.authority import Entropy, asn1_time
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.status.revoked_info import REASONS, RevokedInfo


def issue_list(
    issuer: Identity,
    revoked: Mapping[int, RevokedInfo],
    *,
    this_update: datetime,
    next_update: datetime,
    entropy: Entropy,
    extensions: Sequence[crl.TBSCertListExtension] = (),
) -> bytes:
    """Return the DER of a revocation list: serial numbers and their revocations.

    A revocation without a date gets ``this_update``.
    """
    family = issuer.leaf.family
    body = {
        "version": "v2",
        "signature": {"algorithm": family.signature_oid},
        "issuer": x509.Certificate.load(issuer.leaf.der).subject,
        "this_update": asn1_time(this_update),
        "next_update": asn1_time(next_update),
        "crl_extensions": [
            {"extn_id": "crl_number", "extn_value": int(this_update.timestamp())},
            *extensions,
        ],
    }
    if revoked:
        body["revoked_certificates"] = [
            _entry(serial, entry, this_update) for serial, entry in revoked.items()
        ]
    listed = crl.TbsCertList(body)
    signed = signature.sign(issuer.private_key, digest(listed.dump()), entropy(32))
    whole = {
        "tbs_cert_list": listed,
        "signature_algorithm": {"algorithm": family.signature_oid},
        "signature": signed,
    }
    return bytes(crl.CertificateList(whole).dump())


def _entry(serial: int, entry: RevokedInfo, this_update: datetime) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "user_certificate": serial,
        "revocation_date": asn1_time(entry.since or this_update),
    }
    if entry.reason is not None:
        reason = {"extn_id": "crl_reason", "extn_value": REASONS.index(entry.reason)}
        fields["crl_entry_extensions"] = [reason]
    return fields
