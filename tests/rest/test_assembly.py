"""All methods together, as the service has them: over HTTP, with lists of the centre."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.rest.test_rest_service import Run, material, started
from tests.support.credentials import Credentials
from tests.support.messages import made
from tests.support.rest import Reply
from tests.support.revocation import make_list

PATHS = {
    "/ping",
    "/info",
    "/openapi",
    "/openapi.json",
    "/frontend/challenge",
    "/frontend/timestamp/pkcs7",
    "/frontend/timestamp/data",
    "/frontend/pkcs7/make-attached",
    "/frontend/pkcs7/join",
    "/frontend/pkcs7/detach",
    "/backend/auth",
    "/backend/pkcs7/verify/attached",
    "/backend/pkcs7/verify/detached",
    "/backend/pkcs7/verify/digest",
    "/backend/pkcs7/verify/many",
    "/backend/certificate/status",
    "/frontend/mobile/auth",
    "/frontend/mobile/sign",
    "/frontend/mobile/status",
    "/frontend/mobile/upload",
    "/backend/mobile/authenticate/{documentId}",
    "/backend/mobile/verify",
}


@pytest.fixture
def lists(tmp_path: Path, credentials: Credentials) -> str:
    """The key of a folder with the current lists of the root and the centre."""
    folder = tmp_path / "crl"
    folder.mkdir()
    for name in ("root", "centre"):
        issuer = getattr(credentials.authority, name)
        (folder / f"{name}.crl").write_bytes(make_list(issuer))
    return f"status.crl.dir={folder}\n"


def signed(credentials: Credentials, content: bytes) -> bytes:
    now = datetime.now(UTC).replace(microsecond=0)
    return b64encode(made(content, credentials.citizen.identity, signing_time=now).der)


async def post(run: Run, path: str, body: bytes) -> Reply:
    client = await run.connect()
    try:
        return await client.call("POST", path, body, Accept_Language="en")
    finally:
        client.writer.close()


async def test_every_method_has_its_path(tmp_path: Path, credentials: Credentials) -> None:
    site = "mobile.siteId=0000\n"
    async with started(material(tmp_path, credentials, site)) as run:
        assert set(run.service._server.handler.routes.paths) == PATHS
    async with started(material(tmp_path, credentials)) as run:
        without = {path for path in PATHS if "/mobile/" not in path}
        assert set(run.service._server.handler.routes.paths) == without


async def test_a_user_signs_in_once(tmp_path: Path, credentials: Credentials, lists: str) -> None:
    async with started(material(tmp_path, credentials, lists)) as run:
        challenge = (await run.call("GET", "/frontend/challenge")).json["challenge"]
        message = signed(credentials, challenge.encode())
        first = await post(run, "/backend/auth", message)
        assert first.json["status"] == 1, first.json
        serial = credentials.citizen.identity.leaf.serial_hex
        assert first.json["subjectCertificateInfo"]["serialNumber"] == serial
        assert (await post(run, "/backend/auth", message)).json["reason"] == "challenge_unknown"


async def test_a_document_is_verified(tmp_path: Path, credentials: Credentials, lists: str) -> None:
    async with started(material(tmp_path, credentials, lists)) as run:
        message = signed(credentials, b"document")
        reply = await post(run, "/backend/pkcs7/verify/attached", message)
        assert reply.json["status"] == 1, reply.json
        assert reply.json["pkcs7Info"]["documentBase64"] == b64encode(b"document").decode()
        joined = await post(run, "/frontend/pkcs7/join", message + b"|" + message)
        assert joined.json["status"] == 1, joined.json


async def test_answers_say_which_source_is_missing(
    tmp_path: Path, credentials: Credentials
) -> None:
    async with started(material(tmp_path, credentials)) as run:
        message = signed(credentials, b"document")
        unknown = (await post(run, "/backend/pkcs7/verify/attached", message)).json
        assert (unknown["status"], unknown["reason"]) == (-1, "status_unknown")
        assert "status.ocsp.url" in unknown["detail"]
        stamp = await post(run, "/frontend/timestamp/pkcs7", message)
        assert (stamp.code, stamp.json["reason"]) == (503, "not_configured")
        assert "tsp.url" in stamp.json["detail"]
        assert any("tsp.url" in warning for warning in run.service.warnings())


async def test_another_site_number_waits_for_a_restart(
    tmp_path: Path, credentials: Credentials
) -> None:
    """The log says `restart_needed`: codes on screens are good until then."""
    async with started(material(tmp_path, credentials, "mobile.siteId=0000\n")) as run:
        for more in ("mobile.siteId=00FF\n", ""):
            run.service.use(material(tmp_path, credentials, more))
            reply = await post(run, "/frontend/mobile/auth", b"")
            assert reply.json["siteId"] == "0000"


async def test_a_reload_changes_the_sources(
    tmp_path: Path, credentials: Credentials, lists: str
) -> None:
    async with started(material(tmp_path, credentials)) as run:
        message = signed(credentials, b"document")
        run.service.use(material(tmp_path, credentials, f"{lists}tsp.required=yes\n"))
        missing = (await post(run, "/backend/pkcs7/verify/attached", message)).json
        assert missing["reason"] == "stamp_missing", missing
        run.service.use(material(tmp_path, credentials, lists))
        found = (await post(run, "/backend/pkcs7/verify/attached", message)).json
        assert found["status"] == 1, found
