"""A detached message by the digest of its document alone."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.calls import answer, refusal, verifier
from tests.support.messages import DOCUMENT, made
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.rest.methods.verify_digest import VerifyDigest, read_digest
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Reason, Refusal, status_of
from tunnel_gateway.rest.working import Threads


def method(threads: Threads) -> VerifyDigest:
    return VerifyDigest(verifier(threads), Records(Audit()))


async def test_the_digest_as_bytes_and_in_hexadecimal(threads: Threads) -> None:
    actual = digest(DOCUMENT)
    in_hex = actual.hex()
    for given_digest in (actual, b64decode(in_hex), b64decode(in_hex.upper())):
        info = (await answer(method(threads), given_digest, made(detached=True).der))["pkcs7Info"]
        assert list(info) == ["signers"]
        assert info["signers"][0]["digest"] == in_hex


async def test_another_digest_is_refused(threads: Threads) -> None:
    refused = await refusal(method(threads), digest(b"another"), made(detached=True).der)
    assert (refused.reason, status_of(refused.reason)) == (Reason.DOCUMENT_CHANGED, -10)


async def test_what_is_no_digest_is_a_bad_body(threads: Threads) -> None:
    for wrong in (b"", bytes(20), bytes(31), bytes(33), bytes(64), b64decode("+" * 64)):
        refused = await refusal(method(threads), wrong, made(detached=True).der)
        assert (refused.reason, status_of(refused.reason)) == (Reason.BAD_BODY, -400)
        assert f"{len(wrong)} bytes" in refused.detail


@given(st.binary(min_size=32, max_size=32))
def test_both_forms_mean_the_same(value: bytes) -> None:
    assert read_digest(value) == value
    assert read_digest(b64decode(value.hex())) == value


@given(st.binary(max_size=80).filter(lambda value: len(value) not in (32, 48)))
def test_other_sizes_are_refused(value: bytes) -> None:
    with pytest.raises(Refusal):
        read_digest(value)
