"""Reading everything anew in this process; tests/scenarios/test_reload.py does it by signals."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.loopback import TIME_LIMIT
from tests.support.processes import write_config
from tunnel_gateway.config.keys import KEYS
from tunnel_gateway.config.tunnel import load_config
from tunnel_gateway.gateway import reload as module
from tunnel_gateway.gateway.reload import Reloader
from tunnel_gateway.gateway.shared import Material
from tunnel_gateway.observability import background
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.transport.system.systemd import Notifier


class Place:
    """Where material is in use."""

    def __init__(self, folder: Path) -> None:
        self.credentials = Credentials(folder / "own")
        self.file = folder / "config.properties"
        self.write()
        self.used = [Material.load(load_config(self.file))]
        self.changed = asyncio.Event()

    def write(self, **settings: object) -> None:
        keys = {name.replace("_", "."): value for name, value in settings.items()}
        write_config(self.file, self.credentials, 1, {"raw": 1}, keys)

    def current(self) -> Material:
        return self.used[-1]

    def use(self, material: Material) -> None:
        self.used.append(material)
        self.changed.set()


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def test_what_is_good_is_used(tmp_path: Path, log: io.StringIO) -> None:
    place = Place(tmp_path)
    reloader = Reloader(place.file, place.current, place.use, Notifier({}))
    place.write(limit=7)
    await reloader.reload()
    assert [one.config.limits.tunnels for one in place.used] == [10000, 7]
    (line,) = lines(log)
    assert (line["event"], line["renewed"], line["removed"]) == ("reloaded", [], [])


async def test_what_is_not_changes_nothing(tmp_path: Path, log: io.StringIO) -> None:
    place = Place(tmp_path)
    reloader = Reloader(place.file, place.current, place.use, Notifier({}))
    place.write(limit=7)
    place.credentials.truststore.write_text("nothing")
    await reloader.reload()
    assert len(place.used) == 1
    (line,) = lines(log)
    assert line["event"] == "reload_refused"
    assert str(place.credentials.truststore) in str(line["detail"])


async def test_the_keys_that_need_a_restart_are_named(tmp_path: Path, log: io.StringIO) -> None:
    place = Place(tmp_path)
    reloader = Reloader(place.file, place.current, place.use, Notifier({}))
    fixed = {
        "listen_ip": "127.0.0.2",
        "listen_port": 2,
        "listen_reuseport": "yes",
        "fleet_redis": "redis://127.0.0.1:1/0",
        "fleet_password": "p",
        "admin_listen": "127.0.0.1:3",
        "audit_file": tmp_path / "audit.jsonl",
    }
    place.write(**fixed, limit=7, revocation="soft", log_level="debug")
    assert await reloader.reload()
    found = [str(line["key"]) for line in lines(log) if line["event"] == "restart_needed"]
    assert found == [f"tunnel.{name.replace('_', '.')}" for name in fixed]
    assert found == [key.name for key in KEYS if key.restart]


async def test_a_mistake_of_ours_does_not_end_it(
    tmp_path: Path, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path)
    reloader = Reloader(place.file, place.current, place.use, Notifier({}))
    with monkeypatch.context() as broken:
        broken.setattr(module, "load_config", lambda _: 1 // 0)
        await reloader.reload()
    assert lines(log)[0]["event"] == "internal_error"
    await reloader.reload()
    assert len(place.used) == 2


async def test_the_next_request_finds_it_also_when_what_was_loaded_cannot_be_used(
    tmp_path: Path, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_FIRST_DELAY_SECONDS", 0.001)
    place = Place(tmp_path)
    done: list[bool] = []
    told = asyncio.Event()

    def use(material: Material) -> None:
        if not done:
            raise ValueError("nonsense")
        place.use(material)

    def note(value: bool) -> None:
        done.append(value)
        told.set()

    reloader = Reloader(place.file, place.current, use, Notifier({}), done=note)
    running = keep_running("reload", reloader.round)
    async with asyncio.timeout(TIME_LIMIT):
        for _ in range(2):
            told.clear()
            reloader._asked.set()
            await told.wait()
    running.cancel()
    assert done == [False, True]
    assert len(place.used) == 2
    assert [one["event"] for one in lines(log)] == ["background_failed", "reloaded"]


async def test_it_waits_until_files_are_the_same_at_two_looks(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.write(reload_interval=0.02)
    place.used = [Material.load(load_config(place.file))]
    reloader = Reloader(place.file, place.current, place.use, Notifier({}))
    looks: list[dict[Path, object]] = []
    look = reloader._look

    def changing() -> dict[Path, tuple[int, int, int]]:
        if 0 < len(looks) < 4:  # somebody is still writing
            place.credentials.domain(FIRST_DOMAIN)
        looks.append(dict(look()))
        return look()

    reloader._look = changing  # type: ignore[method-assign]  # a slow copy, step by step
    running = keep_running("reload", reloader.round)
    async with asyncio.timeout(TIME_LIMIT):
        await place.changed.wait()
    running.cancel()
    assert len(looks) > 4


async def test_links_that_go_round(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for name in ("a", "b", ".c"):
        (place.credentials.servers / name).symlink_to(place.credentials.servers)
    seen = Reloader(place.file, place.current, place.use, Notifier({}))._look()
    assert len(seen) < 100
    assert not any(path.name == ".c" for path in seen)


async def test_files_of_a_configuration_that_was_refused_are_looked_at(tmp_path: Path) -> None:
    place = Place(tmp_path)
    reloader = Reloader(place.file, place.current, place.use, Notifier({}))
    trust = tmp_path / "new.pem"
    trust.write_text("nothing yet")
    place.write(truststore_file=trust)
    await reloader.reload()
    assert len(place.used) == 1
    before = reloader._look()
    trust.write_bytes(place.credentials.truststore.read_bytes())
    assert reloader._look()[trust] != before[trust]


async def test_files_in_folders_count(tmp_path: Path) -> None:
    place = Place(tmp_path)
    reloader = Reloader(place.file, place.current, place.use, Notifier({}))
    before = reloader._look()
    assert place.file in before
    chain = place.credentials.servers / FIRST_DOMAIN / "chain.pem"
    chain.chmod(0o400)
    after = reloader._look()
    assert {path for path in after if after[path] != before[path]} == {chain}
