"""The development authority's stamps: what it takes, what it refuses and how it says so."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest
from asn1crypto import tsp

from tests.support.pki import NOW
from tests.support.stamps import POLICY, usual
from tunnel_gateway.cms.stamping import MAX_REQUEST_SIZE, answer_request
from tunnel_gateway.cms.time_stamp import make_request, parse_time_stamp
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding import ber

FAMILY = usual().leaf.family


def asked(request: bytes, time: datetime = NOW) -> Any:
    answer = answer_request(request, usual(), policy=POLICY, time=time, entropy=os.urandom)
    return tsp.TimeStampResp.load(answer, strict=True)


def request(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "version": "v1",
        "message_imprint": {
            "hash_algorithm": {"algorithm": FAMILY.digest_oid},
            "hashed_message": digest(b"salom"),
        },
        "cert_req": True,
    }
    return bytes(tsp.TimeStampReq(fields | changes).dump())


def test_a_token() -> None:
    moment = datetime(2026, 11, 29, 12, 30, 15, 999_999, tzinfo=UTC)
    answer = asked(make_request(digest(b"salom"), FAMILY, bytes(range(16))), moment)
    assert answer["status"]["status"].native == "granted"
    stamp = parse_time_stamp(answer["time_stamp_token"].dump())
    assert stamp.time == moment.replace(microsecond=0)
    assert stamp.message_imprint == digest(b"salom")
    assert stamp.nonce == int.from_bytes(range(16), "big")
    assert 0 < stamp.serial < 1 << 63


def test_without_a_nonce_and_with_the_policy() -> None:
    answer = asked(request(req_policy=POLICY))
    stamp = parse_time_stamp(answer["time_stamp_token"].dump())
    assert stamp.nonce is None
    assert stamp.policy == POLICY


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"", "bad_data_format"),
        (b"GET / HTTP/1.1", "bad_data_format"),
        (bytes(MAX_REQUEST_SIZE + 1), "bad_data_format"),
        (request(req_policy="1.2.3"), "unaccepted_policy"),
        (
            request(
                message_imprint={
                    "hash_algorithm": {"algorithm": "sha256"},
                    "hashed_message": bytes(32),
                }
            ),
            "bad_alg",
        ),
        (
            request(
                message_imprint={
                    "hash_algorithm": {"algorithm": FAMILY.digest_oid},
                    "hashed_message": bytes(31),
                }
            ),
            "bad_data_format",
        ),
    ],
    ids=["empty", "not DER", "too large", "policy", "digest", "length"],
)
def test_refusals(data: bytes, failure: str) -> None:
    answer = answer_request(data, usual(), policy=POLICY, time=NOW, entropy=os.urandom)
    status = tsp.PKIStatusInfo.load(bytes(ber.read(answer).children(1)[0].whole))
    assert status["status"].native == "rejection"
    assert status["fail_info"].native == {failure}
    assert status["status_string"].native[0]
