"""The service as the daemon runs it, in this process."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.log_lines import first_record, read_records
from tests.support.processes import ReservedPort
from tests.support.redis import RedisServer, redis
from tests.support.rest import Connected, Reply, until
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.resident_memory import MemoryWatch
from tunnel_gateway.daemon.service import Service, Shared
from tunnel_gateway.daemon.stopping import Stopping, StopStep
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.rest.mobile.documents import Purpose
from tunnel_gateway.rest.rest_material import RestFiles, RestMaterial
from tunnel_gateway.rest.rest_service import RestService, rest
from tunnel_gateway.rest.statuses import Refusal
from tunnel_gateway.revocation.ask import Inquiries

__all__ = ["redis"]


def material(
    folder: Path, credentials: Credentials, more: str = "", *, port: int = 8080
) -> RestMaterial:
    path = folder / "config.properties"
    listen = f"listen.ip=127.0.0.1\nlisten.port={port}\n"
    path.write_text(f"{listen}tsp.jks.file.path={credentials.truststore}\n{more}", encoding="utf-8")
    return RestFiles().load(load_configuration(path), None)


def shared() -> Shared:
    return Shared(Audit(None), Metrics(), Workers(), MemoryWatch(0), Stopping())


def free_socket() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    return listening


class Run:
    """A service, and where it listens."""

    def __init__(self, service: RestService, parts: Shared, port: int) -> None:
        self.service = service
        self.shared = parts
        self.port = port

    async def connect(self) -> Connected:
        return Connected(*await asyncio.open_connection("127.0.0.1", self.port))

    async def call(self, verb: str, path: str, **headers: str) -> Reply:
        client = await self.connect()
        with closing(client.writer):
            return await client.call(verb, path, b"", **headers)


@asynccontextmanager
async def started(loaded: RestMaterial) -> AsyncIterator[Run]:
    parts = shared()
    service = RestService(parts, loaded, beside_tunnels=True)
    listening = free_socket()
    service.listen(listening)
    await service.start()
    try:
        yield Run(service, parts, listening.getsockname()[1])
    finally:
        await service.stop_accepting()
        await service.drain(0.1, asyncio.get_running_loop().create_future())
        await service.close()
        parts.workers.close()


async def test_it_answers_and_gives_challenges(
    tmp_path: Path, credentials: Credentials, log: io.StringIO
) -> None:
    more = "vpn.tls.enabled=yes\n"
    async with started(material(tmp_path, credentials, more)) as run:
        ping = await run.call("GET", "/ping", X_Real_IP="192.0.2.7")
        assert ping.json["yourIP"] == "192.0.2.7"
        assert "trustedCertificates" in (await run.call("GET", "/info")).json
        challenge = (await run.call("POST", "/frontend/challenge/")).json
        assert challenge["ttl"] == 120
        assert await run.service._challenges.take(challenge["challenge"])
        assert list(run.service.not_ready()) == []
        assert "tsp.url" in next(run.service.warnings())
        await until(lambda: run.service.connections() == 0)
        assert {key: most for key, _, most in run.service.limits()} == {
            "listen.limit": 4096,
            "body.memory": 1024 * 1024 * 1024,
        }
        assert run.service.status_line() == "0 calls in progress, 0 REST connections"
        names = {name for name, _, _ in run.service.samples()}
        assert "tunnel_gateway_rest_challenges_used" in names
    records = read_records(log.getvalue())
    listening = first_record(records, "rest_listening", {"socket": "systemd"})
    assert listening is not None
    not_used = first_record(records, "keys_not_used", {})
    assert not_used is not None
    assert list(not_used["keys"]) == ["vpn.tls.enabled"]


async def test_a_start_warns_of_a_proxy_that_may_call_the_backend(
    tmp_path: Path, credentials: Credentials, log: io.StringIO
) -> None:
    for backend, lines in (("", 1), ("backend.from=127.0.0.1\n", 0)):
        log.truncate(0)
        more = f"frontend.proxies=127.0.0.1\n{backend}"
        async with started(material(tmp_path, credentials, more)) as run:
            reply = await run.call("POST", "/backend/auth", X_Forwarded_For="192.0.2.1")
            assert (reply.code, reply.json["reason"]) == (403, "not_from_here")
        events = [line["event"] for line in read_records(log.getvalue().lstrip("\0"))]
        assert events.count("proxies_may_call_backend") == lines


async def test_operators_are_told_of_it(tmp_path: Path, credentials: Credentials) -> None:
    async with started(material(tmp_path, credentials)) as run:
        operators = run.service.operators()
        state = await operators.state()
        assert state["rest"]["trust_anchors"] == 1
        assert "trust anchors" in "".join(operators.sections(state))
        assert not list(operators.routes())
        assert not operators.loops()


async def test_a_reload_changes_what_comes_from_now_on(
    tmp_path: Path, credentials: Credentials
) -> None:
    async with started(material(tmp_path, credentials)) as run:
        before = (await run.call("GET", "/frontend/challenge")).json["challenge"]
        more = (
            "challenge.ttl=60\nfrontend.rate=1\nfrontend.burst=1\nlisten.limit=16\nbody.limit=1\n"
        )
        run.service.use(material(tmp_path, credentials, more))
        assert (await run.call("GET", "/frontend/challenge")).json["ttl"] == 60
        assert await run.service._challenges.take(before)
        user = {"X_Real_IP": "192.0.2.7"}
        codes = [(await run.call("GET", "/ping", **user)).code for _ in range(2)]
        assert codes == [200, 429]
        assert {key: most for key, _, most in run.service.limits()}["listen.limit"] == 16


async def test_servers_with_one_redis_take_each_others_challenges(
    tmp_path: Path, credentials: Credentials, redis: RedisServer
) -> None:
    loaded = material(tmp_path, credentials, f"cache.type=redis\ncache.redis.url={redis.url}\n")
    async with started(loaded) as one, started(loaded) as other:
        await until(lambda: not [*one.service.not_ready(), *other.service.not_ready()])
        challenge = (await one.call("GET", "/frontend/challenge")).json["challenge"]
        takes = (server.service._challenges.take(challenge) for server in (one, other))
        assert sum(await asyncio.gather(*takes)) == 1
        redis.kill()
        reply = await one.call("GET", "/frontend/challenge")
        assert (reply.code, reply.json["reason"]) == (503, "challenges_away")
        await until(lambda: list(one.service.not_ready()))


def names_of(run: Run) -> set[str]:
    return {name for name, _, _ in run.service.samples()}


async def test_documents_for_phones_are_kept_for_a_site(
    tmp_path: Path, credentials: Credentials
) -> None:
    metric = "tunnel_gateway_rest_mobile_documents"
    async with started(material(tmp_path, credentials)) as run:
        assert run.service._documents is None
        assert metric not in names_of(run)
    site = "mobile.siteId=0000\n"
    async with started(material(tmp_path, credentials, f"{site}mobile.limit=1\n")) as run:
        documents = run.service._documents
        assert documents is not None
        await documents.begin(Purpose.SIGN_IN, "192.0.2.7")
        assert metric in names_of(run)
        with pytest.raises(Refusal):
            await documents.begin(Purpose.SIGN_IN, "192.0.2.8")
        run.service.use(material(tmp_path, credentials, f"{site}mobile.limit=2\n"))
        await documents.begin(Purpose.SIGN_IN, "192.0.2.8")


async def test_servers_with_one_redis_share_documents_for_phones(
    tmp_path: Path, credentials: Credentials, redis: RedisServer
) -> None:
    """Without this Redis users sign in with a key on a PC, so the service is ready."""
    more = f"mobile.siteId=0000\nmobile.storage.redis.url={redis.url}\n"
    loaded = material(tmp_path, credentials, more)
    async with started(loaded) as one, started(loaded) as other:

        def away(run: Run) -> bool:
            return any("mobile.storage.redis" in warning for warning in run.service.warnings())

        await until(lambda: not (away(one) or away(other)))
        begun, found = one.service._documents, other.service._documents
        assert begun is not None
        assert found is not None
        document = await begun.begin(Purpose.SIGN_IN, "192.0.2.7")
        assert await found.find(document.document_id) == document
        assert "tunnel_gateway_rest_mobile_redis_up" in names_of(one)
        redis.kill()
        await until(lambda: away(one))
        assert list(one.service.not_ready()) == []
        assert (await one.call("GET", "/frontend/challenge")).code == 200


async def test_calls_are_refused_while_the_memory_of_the_process_is_full(
    tmp_path: Path, credentials: Credentials
) -> None:
    async with started(material(tmp_path, credentials)) as run:
        run.shared.memory.limit = 1
        reply = await run.call("GET", "/frontend/challenge")
        assert (reply.code, reply.json["reason"]) == (503, "overloaded")
        run.shared.memory.limit = 0
        assert (await run.call("GET", "/frontend/challenge")).code == 200


async def test_a_stop_ends_connections(tmp_path: Path, credentials: Credentials) -> None:
    async with started(material(tmp_path, credentials)) as run:
        client = await run.connect()
        with closing(client.writer):
            run.shared.stopping.begin(StopStep.NOT_READY)
            assert (await client.call("GET", "/ping")).headers["connection"] == "close"
            assert await client.is_closed()
        await run.service.stop_accepting()
        insisted: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        assert await run.service.drain(5, insisted) == {"calls_ended": True}


async def test_prometheus_has_its_own_port(tmp_path: Path, credentials: Credentials) -> None:
    with closing(free_socket()) as taken:
        port = taken.getsockname()[1]
    more = f"metrics.server.enabled=yes\nmetrics.server.listen.port={port}\n"
    async with started(material(tmp_path, credentials, more)):
        client = Connected(*await asyncio.open_connection("127.0.0.1", port))
        with closing(client.writer):
            shown = (await client.call("GET", "/metrics")).body
            assert b"tunnel_gateway_rest_calls_total" in shown
            assert b"process_resident_memory_bytes" in shown


async def test_a_client_may_call_as_soon_as_the_log_says_so(
    tmp_path: Path, credentials: Credentials, log: io.StringIO
) -> None:
    with closing(ReservedPort()) as port:
        loaded = material(tmp_path, credentials, port=port.number)
        service: Service[RestMaterial] = RestService(shared(), loaded, beside_tunnels=False)
        service.listen(None)
        address = f"127.0.0.1:{port.number}"
        assert first_record(read_records(log.getvalue()), "rest_listening", {"address": address})
        client = Connected(*await asyncio.open_connection("127.0.0.1", port.number))
        await service.start()
        with closing(client.writer):
            assert (await client.call("GET", "/ping")).code == 200
        await service.stop_accepting()
        await service.close()


async def test_a_taken_port_is_told(tmp_path: Path, credentials: Credentials) -> None:
    with closing(free_socket()) as taken:
        loaded = material(tmp_path, credentials, port=taken.getsockname()[1])
        service = RestService(shared(), loaded, beside_tunnels=False)
        with pytest.raises(CannotListenError, match=r"needs listen\.reuseport"):
            service.listen(None)


def test_the_daemon_knows_it_by_its_name(tmp_path: Path, credentials: Credentials) -> None:
    part = rest(Inquiries(), beside_tunnels=False)
    assert part.files.name == "rest"
    assert isinstance(part.make(shared(), material(tmp_path, credentials)), RestService)
