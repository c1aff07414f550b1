"""The view of a time stamp: ``timeStampInfo`` of the guide, section 2.2.4."""

from __future__ import annotations

from tunnel_gateway.cms.time_stamp import TimeStamp
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.rest.outcomes import StampOutcome
from tunnel_gateway.rest.views.certificate_view import View
from tunnel_gateway.rest.views.chain_view import ChainView
from tunnel_gateway.rest.views.local_times import times
from tunnel_gateway.rest.views.signer_id import exception_field, signer_id
from tunnel_gateway.rest.views.status_view import revocation_fields, status_fields


def time_stamp_view(outcome: StampOutcome, chain: ChainView) -> View:
    """Return the fields of a time stamp, as many as its token has."""
    verdict, certificate = outcome.verdict, outcome.certificate
    authority = None if verdict.chain is None else verdict.chain.certificate
    return {
        "certificate": chain.certificates,
        **status_fields(certificate.standing),
        "digestVerified": verdict.digest_verified,
        "certificateVerified": certificate.verified,
        **chain.trusted_field,
        "certificateValidAtSigningTime": certificate.valid_at_time,
        **revocation_fields(certificate.standing),
        **({} if verdict.stamp is None else token_view(verdict.stamp, authority)),
        "verified": verdict.verified,
        **exception_field(outcome.finding),
    }


def token_view(stamp: TimeStamp, authority: Certificate | None = None) -> View:
    """Return the fields that the token itself says; ``authority`` is the certificate it names."""
    signer = stamp.signed.signers[0] if stamp.signed.signers else None
    return {
        **({} if signer is None else {"signerId": signer_id(signer, authority)}),
        "tsaPolicy": stamp.policy,
        **times(time=stamp.time),
        "hashAlgorithm": stamp.hash_algorithm,
        "serialNumber": format(stamp.serial, "x"),
        **({} if stamp.authority_name is None else {"tsa": stamp.authority_name}),
        "messageImprintAlgOID": stamp.hash_algorithm,
        "messageImprintDigest": stamp.message_imprint.hex(),
    }
