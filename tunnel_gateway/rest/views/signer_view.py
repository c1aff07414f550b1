"""The view of a signer: ``pkcs7Info.signers[N]`` of the guide, section 2.2.4."""

from __future__ import annotations

from tunnel_gateway.rest.outcomes import SignerOutcome
from tunnel_gateway.rest.views.certificate_view import View
from tunnel_gateway.rest.views.chain_view import ChainView
from tunnel_gateway.rest.views.local_times import times
from tunnel_gateway.rest.views.signer_id import exception_field, signer_id
from tunnel_gateway.rest.views.status_view import revocation_fields, status_fields
from tunnel_gateway.rest.views.time_stamp_view import time_stamp_view


def signer_view(outcome: SignerOutcome, chain: ChainView, stamp_chain: ChainView) -> View:
    """Return the fields of a signer, as many as there is something to say for."""
    verdict, certificate = outcome.verdict, outcome.certificate
    signer = verdict.signer
    leaf = None if verdict.chain is None else verdict.chain.certificate
    stamp = outcome.stamp
    policies = None if leaf is None else leaf.policies
    return {
        "signerId": signer_id(signer, leaf),
        **times(signingTime=signer.signing_time),
        "signature": signer.signature.hex(),
        "digest": signer.message_digest.hex(),
        **({} if stamp is None else {"timeStampInfo": time_stamp_view(stamp, stamp_chain)}),
        "certificate": chain.certificates,
        **status_fields(certificate.standing),
        "verified": verdict.verified,
        "certificateVerified": certificate.verified,
        **revocation_fields(certificate.standing),
        **chain.trusted_field,
        **({} if policies is None else {"policyIdentifiers": list(policies)}),
        "certificateValidAtSigningTime": certificate.valid_at_time,
        **exception_field(outcome.own),
    }
