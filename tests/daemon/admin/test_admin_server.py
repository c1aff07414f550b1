"""The admin server of any service; tests/scenarios/test_admin.py has that of a real gateway."""

from __future__ import annotations

import asyncio
import io
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.support.admin import Answer, Operator
from tests.support.log_lines import Record, read_records
from tests.support.loopback import TIME_LIMIT
from tests.support.second_service import Second
from tunnel_gateway.config.admin import AdminAddress
from tunnel_gateway.daemon.admin import guard
from tunnel_gateway.daemon.admin.admin_server import AdminServer, uid_of
from tunnel_gateway.daemon.admin.health import Health
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.resident_memory import MemoryWatch
from tunnel_gateway.daemon.service import Shared
from tunnel_gateway.daemon.stopping import Stopping
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.observability.few_lines import FewLines
from tunnel_gateway.observability.metrics import Metrics


class Daemon:
    """The health of a daemon that the test changes, and a loop."""

    def __init__(self) -> None:
        self.rounds = 0
        self.metrics = Metrics()
        shared = Shared(Audit(), self.metrics, Workers(), MemoryWatch(0), Stopping())
        self.service = Second(shared, 0)
        self.health = Health(shared, [self.service])

    async def round(self) -> None:
        self.rounds += 1
        await asyncio.sleep(TIME_LIMIT)

    def admin(self, *paths: Path, **options: Any) -> AdminServer:
        addresses = tuple(AdminAddress(path=path) for path in paths)
        return AdminServer(addresses, self.health, self.metrics, **options)


async def ask(path: Path, target: str) -> Answer:
    return await asyncio.to_thread(Operator(path).ask, target)


def events(log: io.StringIO) -> list[Record]:
    return read_records(log.getvalue())


async def test_it_answers_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    admin = Daemon().admin(path)
    await admin.start()
    answer = await ask(path, "/healthz")
    assert (answer.status, answer.text) == (200, "ok\n")
    assert answer.headers["Server"] == "tunnel-gateway"
    assert "process_resident_memory_bytes" in (await ask(path, "/metrics")).text
    await admin.close()
    assert not path.exists()


async def test_health_is_what_the_service_says(tmp_path: Path) -> None:
    path, daemon = tmp_path / "admin.sock", Daemon()
    admin = daemon.admin(path)
    await admin.start()
    assert (await ask(path, "/readyz")).text == "ready\n"
    daemon.health.reloaded(False)
    daemon.service.reasons = ["no destination", "no disk"]
    answer = await ask(path, "/healthz")
    assert (answer.status, answer.text) == (
        200,
        "ok\nwarning: the last reload was refused; the log says why\n",
    )
    answer = await ask(path, "/readyz")
    assert (answer.status, answer.text) == (503, "no destination\nno disk\n")
    await admin.close()


async def test_routes_and_loops_of_a_service(tmp_path: Path) -> None:
    path, daemon = tmp_path / "admin.sock", Daemon()

    async def who(request: web.Request) -> web.Response:
        return web.Response(text=str(uid_of(request)))

    routes = [web.get("/who", who)]
    admin = daemon.admin(path, routes=routes, loops={"probes": daemon.round})
    assert daemon.rounds == 0
    await admin.start()
    assert (await ask(path, "/who")).text == str(os.getuid())
    assert daemon.rounds == 1
    await admin.close()


async def test_all_addresses_or_none(tmp_path: Path) -> None:
    good, bad = tmp_path / "admin.sock", tmp_path / "nowhere" / "admin.sock"
    with pytest.raises(CannotListenError):
        await Daemon().admin(good, bad).start()
    assert not good.exists()


async def test_without_an_address_only_the_loops_run(log: io.StringIO) -> None:
    daemon = Daemon()
    admin = daemon.admin(loops={"probes": daemon.round})
    await admin.start()
    await asyncio.sleep(0)
    assert daemon.rounds == 1
    assert "admin_listening" not in [line["event"] for line in events(log)]
    await admin.close()


REQUEST = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
TOO_LARGE = (
    REQUEST + b"Cookie: " + b"a" * 16_400 + b"\r\n\r\n",
    REQUEST + b"Cookie: " + b"a" * 100_000,
    REQUEST + (b"X-A: " + b"a" * 4096 + b"\r\n") * 4 + b"\r\n",
    REQUEST + b"X-A: b\r\n" * 200 + b"\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (REQUEST + b"Cookie: " + b"a" * 15_000 + b"\r\n\r\n", 200),
        *((data, 431) for data in TOO_LARGE),
        (REQUEST + b"Host: b\r\n\r\n", 400),
        (b"\x16\x03\x01\r\n\r\n", 400),
        (REQUEST + b"Origin: https://yomon.uz\r\n\r\n", 403),
    ],
)
async def test_a_refused_request_is_answered_and_logged(
    data: bytes,
    status: int,
    tmp_path: Path,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "admin.sock"
    monkeypatch.setattr(guard, "_few_lines", FewLines())
    admin = Daemon().admin(path)
    await admin.start()
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(data)
    async with asyncio.timeout(TIME_LIMIT):
        assert int((await reader.readline()).split()[1]) == status
    writer.close()
    await admin.close()
    lines = [line for line in events(log) if line["event"] == "admin_refused"]
    assert [line["status"] for line in lines] == ([] if status == 200 else [status])
    assert not [line for line in events(log) if "logger" in line]


async def test_nothing_is_answered_behind_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    refused = b"GET /healthz HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nConnection: Upgrade\r\n"
    admin = Daemon().admin(path)
    await admin.start()
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(refused + b"Upgrade: websocket\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), TIME_LIMIT)
    assert answer.count(b"HTTP/1.") == 1
    assert answer.endswith(b"\r\n\r\npages may not ask here\n")
    writer.close()
    await admin.close()


async def test_a_connection_that_has_gone_has_no_user() -> None:
    class Gone:
        def get_extra_info(self, _: str) -> socket.socket | None:
            return None

    assert uid_of(Gone()) == -1  # type: ignore[arg-type]
