"""Several messages in one call."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from base64 import b64encode, urlsafe_b64encode
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.calls import GivenStatuses, answer, refusal, verifier
from tests.support.messages import DOCUMENT, made, signer
from tests.support.verdicts import UNKNOWN
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.status.standing import Standing
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.rest.answers import Base64
from tunnel_gateway.rest.methods.verify_many import MAX_DOCUMENTS, VerifyMany, read_many
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Reason, Refusal, status_of
from tunnel_gateway.rest.working import Threads
from tunnel_gateway.user_language import Language


def method(threads: Threads, statuses: GivenStatuses | None = None) -> VerifyMany:
    return VerifyMany(verifier(threads, statuses), Records(Audit()))


def text(data: bytes) -> str:
    return b64encode(data).decode()


def body(*documents: dict[str, Any]) -> bytes:
    return json.dumps({"documents": documents}).encode()


ATTACHED = {"pkcs7": text(made().der)}
BY_DOCUMENT = {"pkcs7": text(made(detached=True).der), "document": text(DOCUMENT)}
BY_DIGEST = {"pkcs7": text(made(detached=True).der), "digest": digest(DOCUMENT).hex()}


async def test_each_kind_in_one_call(threads: Threads) -> None:
    fields = await answer(method(threads), body=body(ATTACHED, BY_DOCUMENT, BY_DIGEST))
    assert list(fields) == ["results"]
    results = fields["results"]
    assert [result["status"] for result in results] == [1, 1, 1]
    assert [list(result) for result in results] == [["pkcs7Info", "status", "message"]] * 3
    assert results[0]["pkcs7Info"]["documentBase64"] == Base64(DOCUMENT)
    assert "documentBase64" not in results[1]["pkcs7Info"]
    assert "documentBase64" not in results[2]["pkcs7Info"]


async def test_a_long_message_is_read_as_a_short_one(threads: Threads) -> None:
    document = DOCUMENT * 20_000
    long = {"pkcs7": text(made(document).der)}
    escaped = json.dumps({"documents": [ATTACHED, long]}).replace("/", "\\/").encode()
    for each in (body(ATTACHED, long), escaped):
        fields = await answer(method(threads), body=each)
        assert [result["status"] for result in fields["results"]] == [1, 1]
        assert fields["results"][1]["pkcs7Info"]["documentBase64"] == Base64(document)
    wrong = {"pkcs7": long["pkcs7"][:-9] + "!" + long["pkcs7"][-8:]}
    refused = await refusal(method(threads), body=body(ATTACHED, wrong))
    assert refused.detail.startswith("documents[1].pkcs7: there is a character that is not Base64")


class CountingStatuses(GivenStatuses):
    """Counts how many are asked at once, and lets all others come first."""

    now = most = 0

    async def of(self, peer: VerifiedPeer) -> tuple[Standing, ...]:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.02)
        self.now -= 1
        return await super().of(peer)


async def test_only_some_are_verified_at_once(threads: Threads) -> None:
    statuses = CountingStatuses()
    fields = await answer(method(threads, statuses), body=body(*[ATTACHED] * MAX_DOCUMENTS))
    assert len(fields["results"]) == statuses.asked == MAX_DOCUMENTS
    assert statuses.most <= 8


async def test_other_calls_have_their_turn_meanwhile() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    with closing(Threads(beside_tunnels=False)) as threads:  # the work is done on the loop
        others = asyncio.create_task(count_turns())
        await answer(method(threads), body=body(*[ATTACHED] * MAX_DOCUMENTS))
        others.cancel()
    assert turns >= MAX_DOCUMENTS // 8


async def test_the_most_basic_fault_is_the_status_of_the_whole(threads: Threads) -> None:
    statuses = GivenStatuses({signer().leaf.serial: UNKNOWN})
    changed = {"pkcs7": text(made().der.replace(DOCUMENT, b"SOME DOCUMENT"))}
    rubbish = {"pkcs7": text(b"rubbish")}
    whole = body(ATTACHED, changed, rubbish)
    refused = await refusal(method(threads, statuses), body=whole, language=Language.ENGLISH)
    assert (refused.reason, status_of(refused.reason)) == (Reason.MALFORMED, -10)
    assert refused.detail == "3 of 3 are not valid"
    results: Any = refused.fields["results"]
    assert [result["reason"] for result in results] == [
        "status_unknown",
        "document_changed",
        "malformed",
    ]
    assert [result["status"] for result in results] == [-1, -10, -10]
    assert results[2]["message"].startswith("The PKCS#7 document cannot be read")
    assert "pkcs7Info" in results[1]


async def test_base64_has_the_same_tolerance_as_elsewhere(threads: Threads) -> None:
    odd = urlsafe_b64encode(made().der).decode().rstrip("=")
    lines = "\r\n".join(odd[start : start + 64] for start in range(0, len(odd), 64))
    fields = await answer(method(threads), body=body({"pkcs7": lines}))
    assert fields["results"][0]["status"] == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "must be"),
        (b"{}", "must be"),
        (b'{"documents": {}}', "must be"),
        (b'{"documents": []}', "at least one"),
        (body(*[ATTACHED] * (MAX_DOCUMENTS + 1)), "65 documents"),
        (b'{"documents": [1]}', "documents[0] must have pkcs7"),
        (body(ATTACHED, {}), "documents[1] must have pkcs7"),
        (body(ATTACHED | {"more": "x"}), "documents[0] must have pkcs7"),
        (body(BY_DOCUMENT | BY_DIGEST), "both document and digest"),
        (body({"pkcs7": None}), "documents[0].pkcs7 must be Base64"),
        (body({"pkcs7": 1}), "documents[0].pkcs7 must be Base64"),
        (body({"pkcs7": "ў"}), "documents[0].pkcs7 must be Base64"),
        (body({"pkcs7": ""}), "documents[0].pkcs7"),
        (body({"pkcs7": "!!!!"}), "documents[0].pkcs7"),
        (body(BY_DOCUMENT | {"document": 1}), "documents[0].document must be Base64"),
        (body(BY_DIGEST | {"digest": "AAAA"}), "a digest has 32 bytes"),
    ],
)
async def test_a_bad_body_says_where(threads: Threads, wrong: bytes, said: str) -> None:
    refused = await refusal(method(threads), body=wrong)
    assert (refused.reason, status_of(refused.reason)) == (Reason.BAD_BODY, -400)
    assert said in refused.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON | st.builds(lambda inner: {"documents": inner}, JSON))
def test_any_json_is_read_or_refused(value: object) -> None:
    try:
        read_many(json.dumps(value).encode())
    except Refusal as refused:
        assert refused.reason is Reason.BAD_BODY  # noqa: PT017


def test_small_values_do_not_become_large() -> None:
    for piece in (b"{}", b"[]", b'{"a":"bc"}', b'"ab"'):
        many = b'{"documents":[' + b",".join([piece] * 100_000) + b"]}"
        tracemalloc.start()
        try:
            with pytest.raises(Refusal, match="64 documents"):
                read_many(many)
            assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
        finally:
            tracemalloc.stop()


def test_an_empty_document_is_a_document() -> None:
    (asked,) = read_many(body({"pkcs7": "AAAA", "document": ""}))
    assert asked.document == b""
