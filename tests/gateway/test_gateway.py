"""A daemon with tunnels in this process: start, drain, end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import DAY, FIRST_DOMAIN, NOW, SECOND_DOMAIN, Credentials
from tests.support.daemons import Log, serving_signals
from tests.support.destination import SWITCHED
from tests.support.house import head
from tests.support.log_lines import read_records
from tests.support.loopback import LOOPBACK, TIME_LIMIT, Witness, receive, send
from tests.support.peer import UPGRADE
from tests.support.processes import ReservedPort, write_config
from tunnel_gateway.agent.handshake import open_tunnel
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.values import Address
from tunnel_gateway.daemon.daemon import Daemon
from tunnel_gateway.errors import CannotListenError, ConfigError, FileError
from tunnel_gateway.gateway.gateway import TUNNELS

Make = Callable[..., Daemon]


@pytest.fixture
def port() -> Iterator[int]:
    reserved = ReservedPort()
    yield reserved.number
    reserved.close()


@pytest.fixture
def make(credentials: Credentials, tmp_path: Path, port: int) -> Make:
    def gateway(destination: int = 1, **settings: object) -> Daemon:
        path = tmp_path / "config.properties"
        keys = {name.replace("_", "."): value for name, value in settings.items()}
        write_config(path, credentials, port, {"raw": destination}, keys)
        return Daemon(load_configuration(path), [TUNNELS])

    return gateway


def events(log: Log) -> list[dict[str, Any]]:
    return read_records(log.getvalue())


def serve(gateway: Daemon) -> asyncio.Task[None]:
    serving: Coroutine[Any, Any, None] = gateway.serve()
    return asyncio.create_task(serving)


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    with serving_signals():
        yield


async def test_it_serves_and_ends(make: Make, log: Log, port: int) -> None:
    serving = serve(make())
    await log.saw('"listening"')
    (line,) = events(log)
    assert line["address"] == f"127.0.0.1:{port}"
    assert line["domains"] == sorted([FIRST_DOMAIN, SECOND_DOMAIN])
    assert line["destinations"] == ["raw"]
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(TIME_LIMIT):
        await serving
    assert [one["event"] for one in events(log)] == [
        "listening",
        *["stop_step"] * 2,
        "draining",
        *["stop_step"] * 4,
        "stopped",
    ]
    steps = [one["step"] for one in events(log) if one["event"] == "stop_step"]
    assert steps == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("end", ["time-out", "second signal"])
async def test_it_drains(
    end: str, make: Make, log: Log, port: int, credentials: Credentials
) -> None:
    with ThreadPoolExecutor(1) as workers, socket.create_server((LOOPBACK, 0)) as destination:
        destination.setblocking(False)
        drain = 0.2 if end == "time-out" else 3600
        serving = serve(make(destination.getsockname()[1], drain_timeout=drain))
        await log.saw('"listening"')
        address = Address(LOOPBACK, port)
        opened = await open_tunnel(address, credentials.settings(dst_id="raw"), workers)
        waiting = await open_tunnel(address, credentials.settings(dst_id="raw"), workers)
        page, other = Witness(), Witness()
        opened.channel.open(page)
        waiting.channel.open(other)
        plain, _ = await asyncio.get_running_loop().sock_accept(destination)
        unused, _ = await asyncio.get_running_loop().sock_accept(destination)
        plain.setblocking(False)
        opened.channel.write(UPGRADE)
        await head(plain)
        await send(plain, SWITCHED)
        await page.received(len(SWITCHED))

        os.kill(os.getpid(), signal.SIGTERM)
        await other.saw("lost")
        assert "shutting_down" in str(other.error)
        unused.close()
        await send(plain, b"hali ham")
        assert await page.received(8) == b"hali ham"
        assert page.calls == []
        if end == "second signal":
            os.kill(os.getpid(), signal.SIGINT)
        await page.saw("lost")
        assert "shutting_down" in str(page.error)
        assert await receive(plain) == b""
        plain.close()
        async with asyncio.timeout(TIME_LIMIT):
            await serving
    ends = [one for one in events(log) if one["event"].startswith("tunnel_")]
    assert [one["event"] for one in ends] == ["tunnel_refused", "tunnel_closed"]
    assert {one["reason"] for one in ends} == {"shutting_down"}


@pytest.mark.parametrize("workers", [None, 1, 3])
async def test_its_tunnels_have_threads_while_it_serves(
    workers: int | None, make: Make, log: Log
) -> None:
    settings = {} if workers is None else {"workers": workers}
    daemon = make(**settings)
    serving = serve(daemon)
    await log.saw('"listening"')
    (service,) = daemon._services.values()
    plane = service._resources.plane  # type: ignore[attr-defined]
    assert len(plane.figures()) == workers or len(os.sched_getaffinity(0))
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(TIME_LIMIT):
        await serving
    assert plane.figures() == []


async def test_a_port_that_is_taken(make: Make, port: int) -> None:
    with socket.create_server((LOOPBACK, port)):
        with pytest.raises(
            CannotListenError, match=f"cannot listen on 127.0.0.1:{port}: Address already"
        ):
            await make().serve()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def test_a_certificate_that_users_will_refuse(
    make: Make, log: Log, credentials: Credentials, tmp_path: Path
) -> None:
    folder = tmp_path / "servers"
    credentials.domain(FIRST_DOMAIN, folder=folder, not_after=NOW - DAY)
    credentials.domain(SECOND_DOMAIN, folder=folder)
    make(servers_dir=folder)
    (line,) = events(log)
    assert (line["event"], line["level"]) == ("domain_certificate_not_accepted", "warning")
    assert line["domain"] == FIRST_DOMAIN
    assert "expired" in line["detail"]


def test_files_that_cannot_be_used(make: Make, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "trust.pem").write_text("nothing")
    with pytest.raises(FileError, match=r"trust.pem"):
        make(truststore_file=tmp_path / "trust.pem")
    with pytest.raises(ConfigError, match="no domains"):
        make(servers_dir=tmp_path / "empty")
