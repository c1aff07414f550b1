"""Checks of destinations that answer oddly, and of a fleet; cli/test_check.py has the rest."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.loopback import LOOPBACK, TIME_LIMIT, receive, send
from tests.support.processes import ReservedPort, write_config
from tests.support.redis import RedisServer, redis
from tunnel_gateway.cli.check import findings as check
from tunnel_gateway.daemon.findings import Finding
from tunnel_gateway.pki.certificates.certificate import to_pem

__all__ = ["redis"]

Settings = Mapping[str, object]
Answer = Callable[[socket.socket], Awaitable[None]]


async def refuse(plain: socket.socket) -> None:
    await receive(plain)
    await send(plain, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


async def talk_otherwise(plain: socket.socket) -> None:
    await send(plain, b"220 pochta\r\n")


async def hang_up(plain: socket.socket) -> None:
    await receive(plain)


async def say_nothing(plain: socket.socket) -> None:
    await asyncio.sleep(TIME_LIMIT)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refuse, "answers 404"),
        (talk_otherwise, "does not answer a WebSocket"),
        (hang_up, "does not answer a WebSocket"),
        (say_nothing, "does not answer a WebSocket"),
    ],
)
async def test_an_application_that_is_there(
    answer: Answer, words: str, credentials: Credentials, tmp_path: Path
) -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        listening.setblocking(False)
        path = tmp_path / "config.properties"
        keys = {"limit": 1, "connect.timeout": 0.5}
        write_config(path, credentials, 1, {"0": listening.getsockname()[1]}, keys)
        loop = asyncio.get_running_loop()

        async def serve() -> None:
            first, _ = await loop.sock_accept(listening)  # the attempt to connect
            first.close()
            second, _ = await loop.sock_accept(listening)
            second.setblocking(False)
            with second:
                await answer(second)

        serving = asyncio.create_task(serve())
        findings: list[Finding] = [one async for one in check(path)]
        serving.cancel()
    (found,) = (one for one in findings if one.area == "destination")
    assert found.status == "warning"
    assert words in found.text


async def findings(path: Path, credentials: Credentials, settings: Settings) -> list[Finding]:
    """Return the faults; ``{folder}`` and ``{port}`` of the settings are the gateway's own."""
    with closing(ReservedPort()) as own:
        made = {
            name: str(value).format(folder=path.parent, port=own.number)
            for name, value in settings.items()
        }
        write_config(path, credentials, own.number, {"0": 1}, {"limit": 1, **made})
        return [
            one
            async for one in check(path)
            if one.status == "fault" and one.area in ("configuration", "admin", "listen", "audit")
        ]


@pytest.mark.parametrize("name", ["a" * 300, "no-folder/audit.log"])
async def test_an_audit_file_that_cannot_be_made(
    name: str, credentials: Credentials, tmp_path: Path
) -> None:
    path = tmp_path / "config.properties"
    (fault,) = await findings(path, credentials, {"audit.file": tmp_path / name})
    assert fault.area in ("configuration", "audit")


@pytest.mark.parametrize(
    "settings",
    [
        {"admin.listen": "127.0.0.1:{port}"},  # the port of the tunnels
        {"admin.listen": "unix:{folder}/admin.sock,unix:{folder}/./admin.sock"},
        {"admin.listen": "unix:{folder}/audit", "audit.file": "{folder}/audit"},
    ],
)
async def test_an_address_that_the_configuration_takes_twice(
    settings: Settings, credentials: Credentials, tmp_path: Path
) -> None:
    path = tmp_path / "config.properties"
    (fault,) = await findings(path, credentials, settings)
    assert fault.area == "configuration"
    assert "tunnel.admin.listen" in fault.text


async def test_an_application_that_the_library_stumbles_over(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("tunnel_gateway.gateway.checks._open_and_close", stumble)
    with socket.create_server((LOOPBACK, 0)) as listening:
        port = listening.getsockname()[1]
        write_config(tmp_path / "config.properties", credentials, 1, {"0": port}, {"limit": 1})
        found = [one async for one in check(tmp_path / "config.properties")]
    (one,) = [one for one in found if one.area == "destination"]
    assert (one.status, "does not answer a WebSocket" in one.text) == ("warning", True)


async def test_the_redis_of_a_fleet_is_asked(
    credentials: Credentials, tmp_path: Path, redis: RedisServer
) -> None:
    path = tmp_path / "config.properties"
    write_config(path, credentials, 1, {"0": 1}, {"limit": 1, "fleet.redis": redis.url})
    for status in ("ok", "warning"):
        (found,) = [one async for one in check(path) if one.area == "fleet"]
        assert (found.subject, found.status) == (redis.url, status)
        redis.kill()


@pytest.mark.parametrize(("beyond", "status"), [(0, "ok"), (1, "warning")])
async def test_more_threads_than_cores(
    beyond: int, status: str, credentials: Credentials, tmp_path: Path
) -> None:
    cores = len(os.sched_getaffinity(0))
    path = tmp_path / "config.properties"
    write_config(path, credentials, 1, {"0": 1}, {"limit": 1, "workers": cores + beyond})
    (found,) = [one async for one in check(path) if one.subject == "threads"]
    assert (found.area, found.status) == ("limits", status)
    assert found.text.startswith(f"tunnel.workers={cores + beyond}; the gateway may use {cores} of")
    assert ("leave the key out" in found.text) == bool(beyond)


async def test_the_keys_and_centres_of_stp(credentials: Credentials, tmp_path: Path) -> None:
    path, folder = tmp_path / "config.properties", tmp_path / "centres"
    folder.mkdir()
    keys = {"stp": "yes", "stp.domain": FIRST_DOMAIN, "intermediates.dir": folder}
    write_config(path, credentials, 1, {"0": 1}, {"limit": 1, **keys})
    (folder / "centre.pem").write_bytes(to_pem(credentials.citizen.identity.chain[1:]))
    found = [one async for one in check(path)]
    (centre,) = [one for one in found if one.area == "intermediates"]
    assert centre.status == "ok"
    of_stp = {one.subject: one for one in found if one.area == "stp"}
    assert of_stp["users"].status == "ok"
    # The domains of the tests come from a centre, and not from the root that E-IMZO trusts.
    assert "not directly by" in of_stp[f"{FIRST_DOMAIN}, CryptoPro-A"].text
    (folder / "centre.pem").write_bytes(to_pem([credentials.citizen.identity.leaf]))
    (fault,) = [one async for one in check(path) if one.area == "intermediates"]
    assert fault.status == "fault"
