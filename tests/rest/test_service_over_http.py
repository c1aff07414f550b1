"""The service as the daemon runs it: every method, reloads, and what it warns of."""

from __future__ import annotations

import os
from base64 import b64decode
from pathlib import Path

from tests.support.centre import RunningCentre, running_centre
from tests.support.pki import user
from tests.support.rest_site import (
    ATTACH,
    ATTACHED,
    BY_DIGEST,
    DETACHED,
    JOIN,
    MANY,
    PATHS,
    STAMP_DATA,
    rest_material,
    rest_site,
)
from tunnel_gateway.cms.frame import MAX_DOCUMENT_SIZE


async def test_every_path_is_served(centre: RunningCentre, tmp_path: Path) -> None:
    async with rest_site(centre, tmp_path) as site:
        for path in PATHS:
            assert (await site.call("POST", path)).code == 400, path
        for path in ("/ping", "/info", "/frontend/challenge"):
            assert (await site.call("GET", path)).code == 200, path


async def test_a_large_part_is_refused_as_a_small_one(
    centre: RunningCentre, tmp_path: Path
) -> None:
    async with rest_site(centre, tmp_path) as site:
        for path in sorted(set(PATHS) - {STAMP_DATA, MANY}):
            for size in (2, 3 * 1024 * 1024):
                part = bytes(size)
                reply = await site.post(path, *([part] * parts_of(path)))
                assert reply.json["reason"] in ("malformed", "bad_body"), path


def parts_of(path: str) -> int:
    """How many parts a method wants."""
    return 2 if path in {DETACHED, BY_DIGEST, ATTACH, JOIN} else 1


async def test_the_largest_document_is_verified(centre: RunningCentre, tmp_path: Path) -> None:
    async with rest_site(centre, tmp_path) as site:
        document = os.urandom(1024) * (MAX_DOCUMENT_SIZE // 1024)
        reply = await site.post(ATTACHED, site.sign(document, centre.issue_user()))
        assert reply.json["status"] == 1
        assert b64decode(reply.json["pkcs7Info"]["documentBase64"]) == document
        assert site.service.state()["body_memory_bytes"] == 0


async def test_a_reload_takes_effect_and_keeps_what_is_known(
    centre: RunningCentre, tmp_path: Path
) -> None:
    async with rest_site(centre, tmp_path, {"tsp.url": ""}) as site:
        assert (await site.post(STAMP_DATA, b"data")).code == 503
        message = site.sign(b"document", centre.issue_user())
        assert (await site.status(ATTACHED, message))[0] == 1
        site.service.use(rest_material(centre, tmp_path, {"tsp.required": "yes"}))
        assert (await site.status(ATTACHED, message)) == (-21, "stamp_missing")
        assert (await site.status(STAMP_DATA, b"data"))[0] == 1
        other = tmp_path / "other"
        other.mkdir()
        with running_centre() as new:
            site.service.use(rest_material(new, other))
            assert (await site.status(ATTACHED, message)) == (-11, "certificate_untrusted")
            fine = site.sign(b"document", new.issue_user())
            assert (await site.status(ATTACHED, fine))[0] == 1


async def test_sources_that_fail_are_warned_of(centre: RunningCentre, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:1/"
    settings = {"status.ocsp.url": nobody, "status.crl.url": nobody, "tsp.url": nobody}
    async with rest_site(centre, tmp_path, settings) as site:
        assert list(site.service.warnings()) == []
        message = site.sign(b"document", centre.issue_user())
        assert (await site.status(ATTACHED, message))[0] == -1
        assert (await site.post(STAMP_DATA, b"data")).code == 503
        warnings = " ".join(site.service.warnings())
        assert "status.ocsp.url" in warnings
        assert "tsp.url" in warnings


async def test_strangers_make_nobody_ask(centre: RunningCentre, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:1/"
    settings = {"status.ocsp.url": nobody, "status.crl.url": nobody}
    async with rest_site(centre, tmp_path, settings) as site:
        assert (await site.status(ATTACHED, site.sign(b"document", user())))[0] == -11
        assert list(site.service.warnings()) == []
