"""The verdict of a message in one call, by an authority that the tests trust."""

from __future__ import annotations

import functools
from datetime import datetime

from tests.support.pki import NOW, authority
from tunnel_gateway.cms.judging import document_digest, judge, judge_time_stamp
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.verdicts import MessageVerdict, SignerVerdict, TimeStampVerdict
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.trust.validation import ChainValidator


@functools.cache
def trust() -> ChainValidator:
    return ChainValidator([authority().root.leaf])


def judged(
    message: bytes,
    document: bytes | None = None,
    validator: ChainValidator | None = None,
    now: datetime = NOW,
) -> MessageVerdict:
    signed = parse_signed_data(message)
    return judge(signed, document_digest(signed, document), validator or trust(), now)


def judged_signer(
    message: bytes, document: bytes | None = None, validator: ChainValidator | None = None
) -> SignerVerdict:
    (signer,) = judged(message, document, validator).signers
    return signer


def holds(message: bytes, document: bytes | None = None) -> tuple[SignerVerdict, ...]:
    """All signers; the test fails if one of them has a fault."""
    verdict = judged(message, document)
    assert verdict.failed is None, [signer.fault for signer in verdict.signers]
    return verdict.signers


def judged_stamp(token: bytes, signature: bytes) -> TimeStampVerdict:
    return judge_time_stamp(token, digest(signature), trust(), NOW)
