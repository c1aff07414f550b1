"""The methods as clients of vendors call them: bodies, languages, mistakes, large documents."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.centre import RunningCentre
from tests.support.pki import stranger, user
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
    RestSite,
    rest_site,
)
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.files.keyfiles import Identity

DOCUMENT = "Shartnoma № 1".encode()


@pytest.fixture(scope="module")
def somebody(centre: RunningCentre) -> Identity:
    return centre.issue_user()


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text,
        lambda text: "\r\n".join(text[at : at + 64] for at in range(0, len(text), 64)),
        lambda text: text.replace("+", "-").replace("/", "_").rstrip("="),
        lambda text: f"0={quote(text, safe='')}",
    ],
    ids=["plain", "lines", "base64url", "form"],
)
@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "application/json", "text/plain", ""]
)
async def test_bodies_of_vendors(
    site: RestSite, somebody: Identity, write: Callable[[str], str], kind: str
) -> None:
    message = site.sign(DOCUMENT, somebody)
    body = write(b64encode(message).decode()).encode()
    headers = {"Content_Type": kind} if kind else {}
    reply = await site.call("POST", f"{ATTACHED}/?_uc=1", body, **headers)
    assert (reply.code, reply.json["status"]) == (200, 1), reply.json
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("uz", "Imzo yaroqsiz: hujjat imzolangan hujjat emas"),
        ("ru-RU,ru;q=0.9", "Подпись недействительна: документ не тот, что был подписан"),
        ("en-GB", "The signature is not valid: the document is not the signed document"),
    ],
)
async def test_languages(site: RestSite, somebody: Identity, language: str, said: str) -> None:
    answer = await site.answer(
        ATTACHED,
        site.sign(DOCUMENT, somebody).replace(DOCUMENT, DOCUMENT[::-1]),
        Accept_Language=language,
    )
    assert answer["message"] == said
    assert answer["reason"] == "document_changed"


async def test_a_bad_body_says_what_is_wanted(site: RestSite) -> None:
    for path, body in (
        (ATTACHED, b"!!!"),
        (ATTACHED, b""),
        (DETACHED, b64encode(b"without a bar")),
        (AUTH, b'{"pkcs7": "AAAA"}'),
        (BY_DIGEST, b"AAAA|AAAA"),
        (MANY, b"{}"),
        (CERTIFICATE, b"AAAA"),
    ):
        reply = await site.call("POST", path, body)
        answer = reply.json
        assert (reply.code, answer["status"], answer["reason"]) == (400, -400, "bad_body"), path
        assert len(answer["detail"]) > 15, path


async def test_what_is_no_message_is_a_verdict_and_no_failure(site: RestSite) -> None:
    for rubbish in (b"x", os.urandom(1000), site.sign(DOCUMENT, user(stranger()))[:-10]):
        for path, parts in (
            (ATTACHED, (rubbish,)),
            (DETACHED, (DOCUMENT, rubbish)),
            (BY_DIGEST, (digest(DOCUMENT), rubbish)),
            (AUTH, (rubbish,)),
            (STAMP, (rubbish,)),
            (ATTACH, (DOCUMENT, rubbish)),
            (JOIN, (rubbish, rubbish)),
            (DETACH, (rubbish,)),
        ):
            assert await site.status(path, *parts) == (-10, "malformed"), path


async def test_a_large_document(centre: RunningCentre, somebody: Identity, tmp_path: Path) -> None:
    document = os.urandom(700_000)
    async with rest_site(centre, tmp_path) as site:
        message = site.sign(document, somebody, detached=True)
        attached = b64decode((await site.answer(ATTACH, document, message))["pkcs7b64"])
        assert parse_signed_data(attached).content == document
        answer = await site.answer(ATTACHED, attached)
        assert answer["status"] == 1
        assert b64decode(answer["pkcs7Info"]["documentBase64"]) == document
