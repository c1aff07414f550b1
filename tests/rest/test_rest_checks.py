"""`check` of a REST service: sources that answer or not, and the truststore."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from redis import Redis

from tests.support.credentials import Credentials
from tests.support.loopback import LOOPBACK
from tests.support.processes import ReservedPort
from tests.support.redis import RedisServer, redis
from tunnel_gateway.cli.check import findings
from tunnel_gateway.daemon.findings import Finding

__all__ = ["redis"]


class File:
    """A configuration of the REST service alone."""

    def __init__(self, folder: Path, credentials: Credentials) -> None:
        self.path = folder / "config.properties"
        self.trust = credentials.truststore

    async def check(self, more: str = "", *, trust: Path | None = None) -> list[Finding]:
        reserved = ReservedPort()
        self.path.write_text(
            f"listen.ip={LOOPBACK}\nlisten.port={reserved.number}\n"
            f"tsp.jks.file.path={trust or self.trust}\n{more}"
        )
        found = [finding async for finding in findings(self.path)]
        reserved.close()
        return found


@pytest.fixture
def file(credentials: Credentials, tmp_path: Path) -> File:
    return File(tmp_path, credentials)


def of(found: list[Finding], area: str) -> list[tuple[str, str]]:
    return [(one.subject, one.status) for one in found if one.area == area]


async def test_the_service_alone(file: File) -> None:
    found = await file.check("vpn.tls.enabled=yes\nvpn.connect.port=3443\n")
    assert [one.area for one in found if one.area != "permissions"] == [
        *("configuration", "cryptography", "listen"),
        *("configuration", "truststore", "time stamps", "limits"),
    ]
    assert of(found, "time stamps") == [("tsp.url", "warning")]
    assert ("vpn.tls.enabled, vpn.connect.port", "ok") in of(found, "configuration")
    assert "listen.limit=4096 needs 4196 descriptors" in found[6].text
    assert "fault" not in {one.status for one in found if one.area != "permissions"}


async def test_sources_that_answer_and_that_do_not(file: File) -> None:
    with socket.create_server((LOOPBACK, 0)) as answers:
        there = f"http://{LOOPBACK}:{answers.getsockname()[1]}/tst"
        away = "http://127.0.0.1:1/ocsp"
        found = await file.check(
            f"tsp.url={there}\nstatus.ocsp.url={away}\ncache.type=redis\ncache.redis.port=1\n"
        )
    assert of(found, "time stamps") == [(there, "ok")]
    assert of(found, "status") == [(away, "warning")]
    assert of(found, "challenges") == [("redis://127.0.0.1:1/0", "warning")]
    (refused,) = (one for one in found if one.area == "status")
    assert refused.text == "127.0.0.1:1 cannot be reached: Connection refused"


async def test_the_redis_of_the_challenges_is_asked(file: File, redis: RedisServer) -> None:
    more = f"cache.type=redis\ncache.redis.url={redis.url}\n"
    assert of(await file.check(more), "challenges") == [(redis.url, "ok")]
    redis.kill()
    assert of(await file.check(more), "challenges") == [(redis.url, "warning")]


async def test_the_redis_of_documents_for_phones_is_asked(file: File, redis: RedisServer) -> None:
    keys = f"mobile.storage.redis.url={redis.url}\n"
    lacks = [("mobile.siteId", "warning")]
    assert of(await file.check(keys), "documents for phones") == lacks
    more = f"mobile.siteId=0000\n{keys}"
    assert of(await file.check(more), "documents for phones") == [(redis.url, "ok")]
    client = Redis.from_url(redis.url)
    client.acl_setuser("default", enabled=True, nopass=True, keys="*", commands=["+@all", "-eval"])
    assert of(await file.check(more), "documents for phones") == [(redis.url, "fault")]
    redis.kill()
    assert of(await file.check(more), "documents for phones") == [(redis.url, "warning")]


async def test_servers_that_share_challenges_alone(file: File, redis: RedisServer) -> None:
    shared = f"cache.type=redis\ncache.redis.url={redis.url}\n"
    lacks = [("mobile.storage.redis.host", "warning")]
    for more, expected in (
        ("mobile.siteId=0000\n", []),
        (shared, []),
        (f"{shared}mobile.siteId=0000\n", lacks),
        ("listen.reuseport=yes\nmobile.siteId=0000\n", lacks),
    ):
        assert of(await file.check(more), "documents for phones") == expected


async def test_anybody_may_upload_for_phones_unless_the_file_says_who(file: File) -> None:
    lacks = [("mobile.upload.from", "warning")]
    for more, expected in (
        ("", []),
        ("mobile.siteId=0000\n", lacks),
        ("mobile.siteId=0000\nmobile.upload.from=192.0.2.1\n", []),
    ):
        assert of(await file.check(more), "uploads of phones") == expected


async def test_a_proxy_that_may_call_the_backend_by_the_default_alone(file: File) -> None:
    assert of(await file.check(), "callers") == []
    assert of(await file.check("frontend.proxies=127.0.0.1\n"), "callers") == [
        ("backend.from", "warning")
    ]
    both = "frontend.proxies=10.0.0.5\nbackend.from=10.0.0.5\n"
    assert of(await file.check(both), "callers") == []


async def test_a_truststore_that_cannot_be_read(file: File, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    found = await file.check(trust=empty)
    assert of(found, "truststore") == [("REST", "fault")]
