"""The methods for phones as the daemon has them: over HTTP, with an authority that answers."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.support.centre import RunningCentre
from tests.support.garbage import cycles
from tests.support.redis import RedisServer, redis
from tests.support.rest import until
from tests.support.rest_site import RestSite, rest_material, rest_site
from tunnel_gateway.phone.code import make_code
from tunnel_gateway.phone.phone import make_upload
from tunnel_gateway.pki.files.keyfiles import Identity

__all__ = ["redis"]

AUTH = "/frontend/mobile/auth"
SIGN = "/frontend/mobile/sign"
STATUS = "/frontend/mobile/status"
UPLOAD = "/frontend/mobile/upload"
AUTHENTICATE = "/backend/mobile/authenticate"
VERIFY = "/backend/mobile/verify"
DOCUMENT = "Shartnoma: 1 000 000 so‘m".encode() + bytes(range(256))
MOBILE = {"mobile.siteId": "00a1"}


@dataclass
class Phone:
    """A user with an ID card, and the vendor's system behind the phone."""

    identity: Identity

    def form(self, document_id: str, signed: bytes) -> bytes:
        fields = make_upload(
            make_code("00A1", document_id, signed),
            self.identity,
            signing_time=datetime.now(UTC),
            entropy=os.urandom,
            address="203.0.113.7",
        )
        return urlencode(fields).encode()


@pytest.fixture
async def mobile(centre: RunningCentre, tmp_path: Path) -> AsyncIterator[RestSite]:
    async with rest_site(centre, tmp_path, MOBILE) as made:
        yield made


@pytest.fixture
def phone(centre: RunningCentre) -> Phone:
    return Phone(centre.issue_user())


async def ask(site: RestSite, path: str, body: bytes = b"", verb: str = "POST") -> dict[str, Any]:
    reply = await site.call(verb, path, body, Accept_Language="en")
    assert reply.code == 200, reply.json
    return reply.json


async def status(site: RestSite, document_id: str) -> int:
    answer = await ask(site, STATUS, f"documentId={document_id}".encode())
    return int(answer["status"])


async def test_a_user_signs_in(mobile: RestSite, phone: Phone) -> None:
    begun = await ask(mobile, AUTH)
    assert (begun["status"], begun["siteId"], begun["ttl"]) == (1, "00A1", 300)
    identifier = begun["documentId"]
    assert await status(mobile, identifier) == 2
    assert (await ask(mobile, f"{AUTHENTICATE}/{identifier}", verb="GET"))["status"] == 2
    form = phone.form(identifier, begun["challange"].encode())
    assert (await ask(mobile, UPLOAD, form))["status"] == 1
    assert (await ask(mobile, UPLOAD, form))["reason"] == "upload_refused"
    assert await status(mobile, identifier) == 1
    done = await ask(mobile, f"{AUTHENTICATE}/{identifier}", verb="GET")
    assert done["status"] == 1
    serial = phone.identity.leaf.serial_hex
    assert done["subjectCertificateInfo"]["serialNumber"] == serial
    again = await ask(mobile, f"{AUTHENTICATE}/{identifier.lower()}/")
    assert (again["status"], again["reason"]) == (-2, "document_unknown")
    assert await status(mobile, identifier) == 1


async def test_a_document_is_signed(mobile: RestSite, phone: Phone) -> None:
    begun = await ask(mobile, SIGN)
    identifier = begun["documentId"]
    assert (await ask(mobile, UPLOAD, phone.form(identifier, DOCUMENT)))["status"] == 1
    assert (await ask(mobile, f"{STATUS}?documentId={identifier}"))["status"] == 1
    wrong = urlencode({"documentId": identifier, "document": b64encode(DOCUMENT + b"0")})
    refused = await ask(mobile, VERIFY, wrong.encode())
    assert (refused["status"], refused["reason"]) == (-5, "document_changed")
    # As the guide's curl -d: nothing is percent-encoded.
    raw = b"documentId=" + identifier.encode() + b"&document=" + b64encode(DOCUMENT)
    done = await ask(mobile, VERIFY, raw)
    assert done["status"] == 1, done
    info = done["verificationInfo"]
    assert set(info) >= {"signingTime", "timestampedTime", "policyIdentifiers"}
    message = b64decode(done["pkcs7Attached"])
    checked = await mobile.answer("/backend/pkcs7/verify/attached", message)
    assert checked["status"] == 1
    assert b64decode(checked["pkcs7Info"]["documentBase64"]) == DOCUMENT
    (signer,) = checked["pkcs7Info"]["signers"]
    assert signer["timeStampInfo"]["timeUtc"] == info["timestampedTimeUtc"]
    assert (await ask(mobile, f"{AUTHENTICATE}/{identifier}"))["status"] == -3


async def test_blanks_instead_of_plus(mobile: RestSite, phone: Phone) -> None:
    """A form that was decoded once too often on its way."""
    begun = await ask(mobile, AUTH)
    form = phone.form(begun["documentId"], begun["challenge"].encode())
    assert (await ask(mobile, UPLOAD, form.replace(b"%2B", b"+")))["status"] == 1
    begun = await ask(mobile, AUTH)
    form = phone.form(begun["documentId"], begun["challenge"].encode())
    assert (await ask(mobile, UPLOAD, form.replace(b"%2B", b"%20")))["status"] == 1


async def test_an_upload_with_other_fields_is_told_what_came(mobile: RestSite) -> None:
    reply = await mobile.call("POST", UPLOAD, b"documentId=2944F1F2&pkcs7=MIAG")
    assert (reply.code, reply.json["reason"]) == (400, "bad_body")
    assert "document_id" in reply.json["detail"]
    assert "documentId, pkcs7" in reply.json["detail"]


async def test_what_is_no_form(mobile: RestSite) -> None:
    for body in (json.dumps({"documentId": "2944F1F2"}).encode(), b"MIAGCSqG", b""):
        reply = await mobile.call("POST", VERIFY, body)
        assert (reply.code, reply.json["reason"]) == (400, "bad_body"), body


async def test_a_message_that_is_too_large(mobile: RestSite) -> None:
    begun = await ask(mobile, AUTH)
    form = f"document_id={begun['documentId']}&serial_number=1&pkcs7_b64=".encode()
    reply = await mobile.call("POST", UPLOAD, form + b"A" * 200_000)
    assert (reply.code, reply.json["reason"]) == (413, "body_too_large")


async def test_without_a_site_id(site: RestSite) -> None:
    for path in (AUTH, SIGN, STATUS, UPLOAD, VERIFY, f"{AUTHENTICATE}/2944F1F2"):
        reply = await site.call("POST", path)
        assert (reply.code, reply.json["reason"]) == (404, "unknown_path")
        assert "mobile.siteId" in reply.json["detail"]
    assert AUTH not in (await site.call("GET", "/openapi.json")).json["paths"]


async def test_only_the_vendor_may_upload(
    centre: RunningCentre, tmp_path: Path, phone: Phone
) -> None:
    # The loopback is a proxy here, so each caller is the one that it tells.
    settings = {**MOBILE, "mobile.upload.from": "198.51.100.0/24", "frontend.rate": "1"}
    async with rest_site(centre, tmp_path, settings) as made:
        begun = await ask(made, AUTH)
        form = phone.form(begun["documentId"], begun["challenge"].encode())
        stranger = await made.call("POST", UPLOAD, form, X_Forwarded_For="203.0.113.1")
        assert (stranger.code, stranger.json["reason"]) == (403, "not_from_here")
        assert "mobile.upload.from" in stranger.json["detail"]
        slash = await made.call("POST", f"{UPLOAD}/", form, X_Forwarded_For="203.0.113.1")
        assert slash.code == 403
        vendor = {"X_Forwarded_For": "198.51.100.9"}
        wrong = [await made.call("POST", UPLOAD, b"document_id=1", **vendor) for _ in range(300)]
        assert {reply.code for reply in wrong} == {400}
        assert (await made.call("POST", UPLOAD, form, **vendor)).json["status"] == 1


async def test_a_reload_keeps_what_waits(
    mobile: RestSite, phone: Phone, centre: RunningCentre, tmp_path: Path
) -> None:
    begun = await ask(mobile, AUTH)
    form = phone.form(begun["documentId"], begun["challenge"].encode())
    mobile.service.use(rest_material(centre, tmp_path, {**MOBILE, "mobile.ttl": "30"}))
    assert (await ask(mobile, AUTH))["ttl"] == 30
    assert (await ask(mobile, UPLOAD, form))["status"] == 1
    assert (await ask(mobile, f"{AUTHENTICATE}/{begun['documentId']}"))["status"] == 1


async def test_two_servers(
    centre: RunningCentre, tmp_path: Path, phone: Phone, redis: RedisServer
) -> None:
    settings = {**MOBILE, "mobile.storage.redis.url": redis.url}
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    async with (
        rest_site(centre, folders[0], settings) as one,
        rest_site(centre, folders[1], settings) as other,
    ):
        await until(lambda: not any("mobile" in text for text in one.service.warnings()))
        await until(lambda: not any("mobile" in text for text in other.service.warnings()))
        begun = await ask(one, AUTH)
        form = phone.form(begun["documentId"], begun["challenge"].encode())
        assert (await ask(other, UPLOAD, form))["status"] == 1
        assert await status(one, begun["documentId"]) == 1
        assert (await ask(other, f"{AUTHENTICATE}/{begun['documentId']}"))["status"] == 1
        assert (await ask(one, f"{AUTHENTICATE}/{begun['documentId']}"))["status"] == -2
        redis.kill()
        assert (await ask(one, AUTH))["reason"] == "mobile_store_away"
        assert (await ask(other, f"{AUTHENTICATE}/{begun['documentId']}"))["status"] == -1
        assert any("mobile.storage.redis" in text for text in one.service.warnings())
        assert (await one.call("GET", "/frontend/challenge")).json["status"] == 1


async def test_the_application_is_meant_by_its_connection(mobile: RestSite) -> None:
    reply = await mobile.call("GET", f"{AUTHENTICATE}/2944F1F2", X_Forwarded_For="203.0.113.1")
    assert (reply.code, reply.json["reason"]) == (403, "not_from_here")


async def test_parameters_of_paths(mobile: RestSite) -> None:
    for parameter in ("x", "2944F1F", quote("２944F1F2"), "%32944F1F2%20x"):
        reply = await mobile.call("GET", f"{AUTHENTICATE}/{parameter}")
        assert (reply.code, reply.json["reason"]) == (400, "bad_body"), parameter
    assert (await ask(mobile, f"{AUTHENTICATE}/%32944F1F2", verb="GET"))["status"] == -2


async def test_nothing_is_left_behind(mobile: RestSite, phone: Phone) -> None:
    async def go() -> None:
        begun = await ask(mobile, AUTH)
        for body in (b"", b"document_id=1", phone.form("00000000", b"x")):
            await mobile.call("POST", UPLOAD, body)
        await mobile.call("POST", UPLOAD, phone.form(begun["documentId"], b"another"))
        await mobile.call("GET", f"{AUTHENTICATE}/{begun['documentId']}")

    await go()
    with cycles() as left:
        await go()
    ours = {name: count for name, count in left.items() if name.startswith("tunnel_gateway")}
    assert not ours, ours
