"""A daemon with two services in this process: one starts, reloads and ends with the other."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.admin import Answer, Operator, samples
from tests.support.credentials import Credentials
from tests.support.daemons import Log, serving_signals
from tests.support.log_lines import read_records
from tests.support.loopback import LOOPBACK, TIME_LIMIT
from tests.support.processes import ReservedPort, write_config
from tests.support.second_service import Second, second_part, write_second
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.daemon import daemon as module
from tunnel_gateway.daemon.daemon import Daemon
from tunnel_gateway.daemon.service import Part
from tunnel_gateway.errors import CannotListenError, ConfigError
from tunnel_gateway.gateway.gateway import TUNNELS


class Both:
    """A daemon with the tunnels and the second service."""

    def __init__(self, folder: Path, credentials: Credentials, port: int) -> None:
        self.file = folder / "config.properties"
        self.admin = folder / "admin.sock"
        self._credentials = credentials
        self._port = port
        self.shows_metrics = False
        self.write()
        write_second(self.file, 1)
        part, self._made = second_part()
        self.parts: list[Part[Any]] = [TUNNELS, part]

    def write(self, **settings: object) -> None:
        keys = {name.replace("_", "."): value for name, value in settings.items()}
        keys = {"admin.listen": f"unix:{self.admin}", "drain.timeout": 0.2} | keys
        write_config(self.file, self._credentials, self._port, {"raw": 1}, keys)

    @property
    def second(self) -> Second:
        (made,) = self._made
        return made

    def daemon(self) -> Daemon:
        return Daemon(load_configuration(self.file), self.parts)

    async def ask(self, path: str) -> Answer:
        return await asyncio.to_thread(Operator(self.admin).ask, path)

    @asynccontextmanager
    async def serving(self, log: Log) -> AsyncIterator[None]:
        with closing(self.daemon()) as daemon:
            self.second.has_port_for_prometheus = self.shows_metrics
            task = asyncio.create_task(daemon.serve())
            await log.saw('"listening"')
            await self.second.started.wait()
            yield
            os.kill(os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(TIME_LIMIT):
                await task


@pytest.fixture
def both(credentials: Credentials, tmp_path: Path) -> Iterator[Both]:
    reserved = ReservedPort()
    with serving_signals():
        yield Both(tmp_path, credentials, reserved.number)
    reserved.close()


def events(log: Log) -> list[dict[str, Any]]:
    return read_records(log.getvalue())


async def test_both_serve_and_end_together(both: Both, log: Log) -> None:
    async with both.serving(log):
        reader, writer = await asyncio.open_connection(LOOPBACK, both.second.port)
        writer.write(b"salom")
        assert await reader.readexactly(5) == b"salom"
        state = (await both.ask("/status.json")).json
        assert state["second"] == {"number": 1}
        assert state["connections_total"] == 0
        limits = [limit["limit"] for limit in state["limits"]]
        assert limits[-2:] == ["second.limit", "tunnel.memory.limit"]
        assert limits[0] == "tunnel.limit"
        both.second.reasons = ["no paper"]
        answer = await both.ask("/readyz")
        assert answer.status == 503
        assert answer.text.splitlines()[-1] == "no paper"
        assert (
            'tunnel_gateway_limit{limit="second.limit"} 10.0' in (await both.ask("/metrics")).text
        )
    assert await reader.read() == b""
    writer.close()
    assert both.second.calls == ["listen", "start", "stop_accepting", "drain", "close"]
    assert not both.admin.exists()
    (draining,) = (line for line in events(log) if line["event"] == "draining")
    assert draining["connections"] == 1
    last = events(log)[-1]
    assert (last["event"], last["tunnels_ended"], last["echoes_ended"]) == ("stopped", True, True)


async def test_a_service_may_show_the_metrics_of_all_without_an_admin_address(
    both: Both, log: Log
) -> None:
    both.write(admin_listen="")
    both.shows_metrics = True
    async with both.serving(log):
        shown = samples((await both.second.shared.metrics.read()).decode())
        names = {name for name, _ in shown}
        assert shown["tunnel_gateway_limit", frozenset({("limit", "second.limit")})] == 10
        assert shown["tunnel_gateway_destination_tunnels", frozenset({("dst_id", "raw")})] == 0
        assert {"tunnel_gateway_ready", "process_open_fds"} <= names
        assert both.second.rounds == 1  # as of the probes of destinations
    assert "admin_listening" not in [line["event"] for line in events(log)]


async def test_a_reload_is_for_both_or_for_none(both: Both, log: Log) -> None:
    async with both.serving(log):
        write_second(both.file, 2)
        os.kill(os.getpid(), signal.SIGHUP)
        await log.saw('"reloaded"')
        assert both.second.number == 2
        write_second(both.file, 3)
        both.write(limit="x")
        os.kill(os.getpid(), signal.SIGHUP)
        await log.saw('"reload_refused"')
        assert both.second.number == 2
    (reloaded,) = (line for line in events(log) if line["event"] == "reloaded")
    assert reloaded["numbers"] == [1, 2]
    assert reloaded["destinations"] == ["raw"]


def test_the_faults_of_both_are_told_at_once(both: Both, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    both.write(servers_dir=tmp_path / "empty")
    write_second(both.file, "nothing")
    with pytest.raises(ConfigError) as caught:
        both.daemon()
    first, second = caught.value.faults
    assert "no domains" in str(first)
    assert "second: not a number" in str(second)


async def test_no_port_is_served_if_one_is_taken(
    both: Both, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise CannotListenError("taken")

    monkeypatch.setattr(Second, "listen", refuse)
    with closing(both.daemon()) as daemon, pytest.raises(CannotListenError, match="taken"):
        await daemon.serve()
    assert both.second.calls == []
    assert not both.admin.exists()


async def test_sockets_of_systemd_go_by_name(
    both: Both, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((LOOPBACK, 0)) as passed:
        number = passed.getsockname()[1]
        monkeypatch.setattr(module, "passed_sockets", lambda: {"second": passed})
        async with both.serving(log):
            assert both.second.port == number


async def test_a_socket_of_no_service(
    both: Both, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((LOOPBACK, 0)) as passed:
        monkeypatch.setattr(module, "passed_sockets", lambda: {"third": passed})
        with closing(both.daemon()) as daemon, pytest.raises(CannotListenError) as caught:
            await daemon.serve()
    assert "third; write FileDescriptorName=tunnel or second" in str(caught.value)
