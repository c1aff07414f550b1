"""A time stamp authority for tests: its certificate, and tokens of every kind."""

from __future__ import annotations

import functools
import os
from dataclasses import replace
from datetime import datetime
from typing import Any

from asn1crypto import tsp

from tests.support.pki import MADE, NOW, authority, ders
from tunnel_gateway.cms.signing import sign_data
from tunnel_gateway.cms.stamping import answer_request
from tunnel_gateway.cms.time_stamp import NONCE_SIZE, TST_INFO_OID, make_request, read_answer
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.authority import TIME_STAMPS, Authority, issue
from tunnel_gateway.pki.files.keyfiles import Identity

POLICY = "1.2.860.3.2.11.1"


def stamper(issuer: Authority | None = None, **changes: Any) -> Identity:
    """A time stamp authority; ``changes`` are fields of the profile."""
    centre = (issuer or authority()).centre
    profile = replace(TIME_STAMPS, **changes)
    return issue(centre, [("CN", "TSA")], profile, now=MADE, entropy=os.urandom)


@functools.cache
def usual() -> Identity:
    return stamper()


def token(signature: bytes, time: datetime = NOW, identity: Identity | None = None) -> bytes:
    """What the authority gives for a signature."""
    return token_of(digest(signature), time, identity)


def token_of(imprint: bytes, time: datetime = NOW, identity: Identity | None = None) -> bytes:
    """What the authority gives for an imprint."""
    identity, nonce = identity or usual(), os.urandom(NONCE_SIZE)
    request = make_request(imprint, identity.leaf.family, nonce)
    answer = answer_request(request, identity, policy=POLICY, time=time, entropy=os.urandom)
    return read_answer(answer, imprint, nonce)


def forged(info: dict[str, Any] | bytes, **changes: Any) -> bytes:
    """A token of this TSTInfo, whatever it says; ``changes`` are arguments of ``sign_data``."""
    identity = usual()
    arguments: dict[str, Any] = {
        "detached": False,
        "signing_time": NOW,
        "entropy": os.urandom,
        "content_type": TST_INFO_OID,
    }
    return sign_data(
        identity.private_key,
        ders(identity),
        identity.leaf.family,
        info if isinstance(info, bytes) else tsp.TSTInfo(info).dump(),
        **arguments | changes,
    ).der
