"""The examples of docs/for-backends.md, run against the service as the daemon runs it."""

from __future__ import annotations

import io
from base64 import b64decode, b64encode
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.backend_examples import (
    FUNCTIONS,
    LANGUAGES,
    Client,
    Language,
    camel,
    example,
    started,
)
from tests.support.centre import RunningCentre
from tests.support.log_lines import read_records
from tests.support.pki import OFFICER, PERSON
from tests.support.rest_site import RestSite, rest_site
from tunnel_gateway.observability.logs import configure_logs
from tunnel_gateway.pki.files.keyfiles import Identity

USER = "203.0.113.7"
DOCUMENT = b"contract"
# Its Base64 has letters that mean something else in a form.
PLUSES = b"\xfb\xff\xbe" * 3 + b"+"


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.heading)
async def test_an_example_does_what_it_says(
    language: Language, centre: RunningCentre, tmp_path: Path
) -> None:
    if missing := language.missing():
        pytest.skip(missing)
    log = io.StringIO()
    configure_logs("json", "info", log)
    async with rest_site(centre, tmp_path, {"mobile.siteId": "0000"}) as site:
        user, officer = centre.issue_user(PERSON), centre.issue_user(OFFICER)

        def signed(content: bytes, detached: bool = False) -> str:
            return b64encode(site.sign(content, user, detached=detached)).decode()

        async with started(language, tmp_path, f"http://127.0.0.1:{site.port}") as client:
            challenge = (await client.call("challenge", USER))["challenge"]
            pkcs7 = signed(challenge.encode())
            answer = await client.call("sign_in", USER, pkcs7)
            assert answer["subjectCertificateInfo"]["serialNumber"] == user.leaf.serial_hex
            answer = await client.call("sign_in", USER, pkcs7)
            assert (answer["status"], answer["reason"]) == (-20, "challenge_unknown")
            answer = await client.call("sign_in", USER, "~")
            assert (answer["status"], answer["reason"]) == (-400, "bad_body")

            answer = await client.call("timestamp", USER, signed(DOCUMENT, detached=True))
            stamped = answer["pkcs7b64"]
            document = b64encode(DOCUMENT).decode()
            info = (await client.call("verify_detached", USER, document, stamped))["pkcs7Info"]
            assert info["signers"][0]["timeStampInfo"]["verified"] is True
            attached = (await client.call("make_attached", USER, document, stamped))["pkcs7b64"]
            second = b64encode(site.sign(DOCUMENT, officer)).decode()
            joined = (await client.call("join", USER, attached, second))["pkcs7b64"]
            info = (await client.call("verify_attached", USER, joined))["pkcs7Info"]
            assert b64decode(info["documentBase64"]) == DOCUMENT
            assert len(info["signers"]) == 2
            answer = await client.call("verify_detached", USER, b64encode(b"x").decode(), stamped)
            assert answer["reason"] == "document_changed"
            await sign_with_a_phone(client, site, user)
    lines = [line for line in read_records(log.getvalue()) if "verdict" in line]
    assert len(lines) == 8
    assert {(line["client"], line["host"]) for line in lines} == {(USER, "example.uz")}


async def sign_with_a_phone(client: Client, site: RestSite, user: Identity) -> None:
    begun = await client.call("mobile_auth", USER)
    document_id = begun["documentId"]
    answer = await client.call("mobile_status", USER, document_id)
    assert (answer["status"], answer["reason"]) == (2, "not_uploaded")
    await upload(site, user, document_id, begun["challenge"].encode())
    assert (await client.call("mobile_status", USER, document_id))["status"] == 1
    answer = await client.call("mobile_authenticate", USER, document_id)
    assert answer["subjectCertificateInfo"]["serialNumber"] == user.leaf.serial_hex
    answer = await client.call("mobile_authenticate", USER, document_id)
    assert (answer["status"], answer["reason"]) == (-2, "document_unknown")

    document_id = (await client.call("mobile_sign", USER))["documentId"]
    await upload(site, user, document_id, PLUSES)
    document = b64encode(PLUSES).decode()
    answer = await client.call("mobile_verify", USER, document_id, document)
    attached = answer["pkcs7Attached"]
    info = (await client.call("verify_attached", USER, attached))["pkcs7Info"]
    assert b64decode(info["documentBase64"]) == PLUSES


async def upload(site: RestSite, user: Identity, document_id: str, content: bytes) -> None:
    """Do what the phone and the vendor's system do."""
    fields = {
        "document_id": document_id,
        "pkcs7_b64": b64encode(site.sign(content, user, detached=True)),
        "serial_number": user.leaf.serial_hex,
    }
    reply = await site.call("POST", "/frontend/mobile/upload", urlencode(fields).encode())
    assert reply.json["status"] == 1


def test_each_language_has_every_call() -> None:
    paths = (
        "/frontend/challenge",
        "/backend/auth",
        "/frontend/timestamp/pkcs7",
        "/backend/pkcs7/verify/attached",
        "/backend/pkcs7/verify/detached",
        "/frontend/pkcs7/make-attached",
        "/frontend/pkcs7/join",
        "/frontend/mobile/auth",
        "/frontend/mobile/sign",
        "/frontend/mobile/status",
        "/backend/mobile/authenticate/",
        "/backend/mobile/verify",
    )
    for heading in (*(language.heading for language in LANGUAGES), "C#"):
        client = example(heading)
        for name, path in zip(FUNCTIONS, paths, strict=True):
            assert path in client, (heading, path)
            assert name in client or camel(name).lower() in client.lower(), (heading, name)
        for header in ("Host", "X-Real-IP"):
            assert header in client, (heading, header)
