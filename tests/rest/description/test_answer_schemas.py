"""The schemas against the answers of the service, in both directions."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.centre import RunningCentre
from tests.support.described import Described
from tests.support.pki import user
from tests.support.rest_site import (
    ATTACH,
    ATTACHED,
    AUTH,
    BY_DIGEST,
    CERTIFICATE,
    DETACH,
    DETACHED,
    JOIN,
    MANY,
    STAMP,
    STAMP_DATA,
    RestSite,
    rest_site,
)
from tunnel_gateway.cms import composing
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.rest.description.answer_schemas import SCHEMAS, record, text

DOCUMENT = b"document"
POLICIES = ("1.2.860.3.2.2.1.2.1",)


def test_a_field_with_a_question_mark_is_not_required() -> None:
    made = record("About", {"first?": text("1")}, {"second": text("2")})
    assert list(made["properties"]) == ["first", "second"]
    assert made["required"] == ["second"]


class Calls:
    """Calls whose answers must be as they are described."""

    def __init__(self, site: RestSite, described: Described) -> None:
        self.site = site
        self.described = described

    async def __call__(self, path: str, *parts: bytes, verb: str = "POST", raw: bytes = b"") -> Any:
        body = raw or b"|".join(map(b64encode, parts))
        reply = await self.site.call(verb, path, body)
        self.described.check(verb, path.partition("?")[0], reply.code, reply.json)
        return reply.json


@pytest.fixture
async def calls(centre: RunningCentre, tmp_path: Path) -> AsyncIterator[Calls]:
    async with rest_site(centre, tmp_path, {"status.ocsp.url": centre.services.ocsp}) as site:
        document = (await site.call("GET", "/openapi.json")).json
        yield Calls(site, Described(document))


async def test_answers_are_as_described_and_nothing_is_described_that_never_comes(
    calls: Calls,
) -> None:
    site, centre = calls.site, calls.site.centre
    for path in ("/ping", "/info", "/frontend/challenge", "/openapi.json"):
        await calls(path, verb="GET")
    await calls("/frontend/challenge")

    fine = centre.issue_user(policies=POLICIES)
    challenge = await site.challenge()
    signed_in = site.sign(challenge, fine)
    assert (await calls(AUTH, signed_in))["status"] == 1
    assert (await calls(AUTH, signed_in))["status"] == -20

    message = site.sign(DOCUMENT, fine)
    stamped = b64decode((await calls(STAMP, message))["pkcs7b64"])
    for path, *parts in (
        (ATTACHED, stamped),
        (DETACHED, DOCUMENT, stamped),
        (BY_DIGEST, digest(DOCUMENT), stamped),
        (JOIN, stamped, site.sign(DOCUMENT, centre.issue_user())),
        (DETACH, stamped),
    ):
        answer = await calls(path, *parts)
        assert answer["status"] == 1, answer
    assert (await calls(ATTACH, DOCUMENT, b64decode(answer["pkcs7b64"])))["status"] == 1

    revoked = centre.issue_user()
    centre.revoke(revoked, "keyCompromise")
    wrong = site.sign(DOCUMENT, revoked)
    answer = await calls(ATTACHED, wrong)
    assert answer["failedSignerInfo"]["revokedStatusInfo"]
    entries = [{"pkcs7": b64encode(one).decode()} for one in (stamped, wrong, b"nothing")]
    for documents in (entries, entries[:1]):
        await calls(MANY, raw=json.dumps({"documents": documents}).encode())

    for identity, status in ((fine, 1), (revoked, -11), (user(), -11)):
        answer = await calls(CERTIFICATE, b"".join(link.der for link in identity.chain))
        assert answer["status"] == status, answer
    issuer = centre.authority.centre.leaf.der
    await calls(f"{CERTIFICATE}?serial={fine.leaf.serial_hex}", issuer)

    # A token for something else, put beside the signature.
    token = b64decode((await calls(STAMP_DATA, DOCUMENT))["timeStampTokenBase64"])
    signature = bytes.fromhex(
        (await calls(ATTACHED, message))["pkcs7Info"]["signers"][0]["signature"]
    )
    answer = await calls(ATTACHED, composing.stamp(message, {signature: token}))
    assert answer["reason"] == "stamp_of_other_signature"

    never = {
        f"{name}.{field}"
        for name, schema in SCHEMAS.items()
        for field in schema.get("properties", {})
    } - calls.described.seen
    # The field is made by the same function as that of a signer.
    assert never == {"TimeStamp.revokedStatusInfo"}


async def test_refusals_are_as_described(calls: Calls) -> None:
    for path in (AUTH, ATTACHED, DETACHED, JOIN, DETACH, STAMP, ATTACH, BY_DIGEST):
        parts = (b"nothing",) if path in (AUTH, ATTACHED, DETACH, STAMP) else (b"nothing", b"0")
        await calls(path, *parts)
        assert (await calls(path, raw=b"~"))["reason"] == "bad_body"
        assert (await calls(path, *parts[:-1], raw=b"a|b|c|d"))["status"] == -400
    assert (await calls(ATTACHED, calls.site.sign(DOCUMENT, user())))["status"] == -11
    message = calls.site.sign(DOCUMENT, calls.site.centre.issue_user(), detached=True)
    assert (await calls(DETACHED, b"other", message))["reason"] == "document_changed"
    assert (await calls(ATTACHED, message))["reason"] == "no_document"
