"""The whole way with the phone for development: code, signature, upload, verdict."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.centre import RunningCentre
from tests.support.processes import command
from tests.support.rest_site import ATTACHED, RestSite, rest_site
from tunnel_gateway.phone.code import Code, make_code
from tunnel_gateway.pki.files.keyfiles import Identity, identity_to_pfx

PASSWORD = b"correct horse"
DOCUMENT = bytes(range(256)) * 10


@pytest.fixture
async def site(centre: RunningCentre, tmp_path: Path) -> AsyncIterator[RestSite]:
    async with rest_site(centre, tmp_path, {"mobile.siteId": "00FF"}) as made:
        yield made


@pytest.fixture
def user(centre: RunningCentre) -> Identity:
    return centre.issue_user()


async def form(site: RestSite, path: str, **fields: str) -> dict[str, Any]:
    body = urlencode(fields).encode()
    reply = await site.call("POST", path, body)
    assert reply.code == 200, reply.json
    return reply.json


async def phone(site: RestSite, code: Code, user: Identity) -> tuple[int, Any]:
    """Return the exit code of the phone, and the status in the answer that it got."""
    key = site.folder / "user.pfx"
    pfx = identity_to_pfx(user, "user", PASSWORD, os.urandom, rounds=10)
    for path, data in ((key, pfx), (site.folder / "user.pfx.password", PASSWORD)):
        path.touch(0o600)
        path.write_bytes(data)
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, *command(), "mobile", "phone", code.deeplink, "--key", str(key)),
        *("--url", f"http://127.0.0.1:{site.port}/frontend/mobile/upload"),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await program.communicate()
    return program.returncode or 0, json.loads(printed)["status"]


async def test_a_user_signs_in(site: RestSite, user: Identity) -> None:
    begun = await form(site, "/frontend/mobile/auth")
    assert begun["siteId"] == "00FF"
    named = {"documentId": begun["documentId"]}
    code = make_code(begun["siteId"], begun["documentId"], begun["challange"].encode())
    assert (await form(site, "/frontend/mobile/status", **named))["status"] == 2
    assert await phone(site, code, user) == (0, 1)
    assert (await form(site, "/frontend/mobile/status", **named))["status"] == 1
    assert await phone(site, code, user) == (1, -2)
    reply = await site.call("GET", f"/backend/mobile/authenticate/{begun['documentId']}")
    assert reply.json["status"] == 1
    serial = reply.json["subjectCertificateInfo"]["serialNumber"]
    assert serial == user.leaf.serial_hex


async def test_a_user_signs_a_document(site: RestSite, user: Identity) -> None:
    begun = await form(site, "/frontend/mobile/sign")
    code = make_code(begun["siteId"], begun["documentId"], DOCUMENT)
    assert await phone(site, code, user) == (0, 1)
    asked = {"documentId": begun["documentId"], "document": b64encode(DOCUMENT).decode()}
    verified = await form(site, "/backend/mobile/verify", **asked)
    assert verified["status"] == 1
    attached = await site.answer(ATTACHED, b64decode(verified["pkcs7Attached"]))
    assert attached["status"] == 1
    assert b64decode(attached["pkcs7Info"]["documentBase64"]) == DOCUMENT
