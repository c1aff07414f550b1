"""Verdicts and standings for tests of the REST service, with real certificates and paths."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.support.messages import made, signer
from tests.support.pki import NOW, authority, ders
from tests.support.stamps import token, usual
from tunnel_gateway.cms.composing import stamp as put_stamp
from tunnel_gateway.cms.signed_data import Signer, parse_signed_data
from tunnel_gateway.cms.time_stamp import parse_time_stamp
from tunnel_gateway.cms.verdicts import ChainVerdict, SignerVerdict, TimeStampVerdict
from tunnel_gateway.pki.encoding import ber, der, tags
from tunnel_gateway.pki.status.standing import Knowledge, Standing
from tunnel_gateway.pki.trust.validation import ChainValidator

HOUR = timedelta(hours=1)
# In the place of a BasicOCSPResponse; nothing that shows it looks into it.
SIGNED = b"signed by the responder"


def good(signed: bytes) -> Standing:
    """Return the standing by an answer of which the responder has signed these bytes."""
    basic = der.identifier("1.3.6.1.5.5.7.48.1.1") + ber.write(tags.OCTET_STRING, signed)
    explicit = ber.write(tags.context(0, constructed=True), ber.write(tags.SEQUENCE, basic))
    return Standing(
        Knowledge.GOOD,
        answer=ber.write(tags.SEQUENCE, ber.write(tags.ENUMERATED, b"\0") + explicit),
        updated_at=NOW,
        next_update_at=NOW + timedelta(minutes=1),
    )


GOOD = good(SIGNED)
UNKNOWN = Standing(Knowledge.UNKNOWN, missing="nobody answers")


def revoked(at: datetime | None, reason: str | None = "keyCompromise") -> Standing:
    return Standing(Knowledge.REVOKED, revoked_at=at, reason=reason, updated_at=NOW)


@functools.cache
def validator() -> ChainValidator:
    return ChainValidator([authority().root.leaf])


@functools.cache
def the_signer() -> Signer:
    """A signer whose signature has a time stamp of NOW."""
    message = made()
    stamped = put_stamp(message.der, {message.signature: token(message.signature)})
    (only,) = parse_signed_data(stamped).signers
    return only


def signers_chain(**changes: Any) -> ChainVerdict:
    peer = validator().verify_signer(ders(signer()), NOW)
    return replace(ChainVerdict(peer.leaf, peer.path, peer, None, valid_at_time=True), **changes)


def stamps_chain(**changes: Any) -> ChainVerdict:
    peer = validator().verify_time_stamp_authority(ders(usual()), NOW)
    return replace(ChainVerdict(peer.leaf, peer.path, peer, None, valid_at_time=True), **changes)


def stamp_verdict(**changes: Any) -> TimeStampVerdict:
    """The verdict of a time stamp without fault."""
    unread = the_signer().time_stamp
    assert unread is not None
    verdict = TimeStampVerdict(
        stamp=parse_time_stamp(unread),
        digest_verified=True,
        verified=True,
        chain=stamps_chain(),
        failed=None,
        fault=None,
    )
    return replace(verdict, **changes)


def signer_verdict(**changes: Any) -> SignerVerdict:
    """The verdict of a signer without fault and without a time stamp."""
    verdict = SignerVerdict(
        signer=replace(the_signer(), time_stamps=()),
        digest_verified=True,
        verified=True,
        chain=signers_chain(),
        time=NOW,
        stamp=None,
        failed=None,
        fault=None,
    )
    return replace(verdict, **changes)


def stamped(**changes: Any) -> SignerVerdict:
    """The verdict of a signer with a time stamp; ``changes`` are fields of the latter."""
    return signer_verdict(signer=the_signer(), stamp=stamp_verdict(**changes))
