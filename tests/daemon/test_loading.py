"""The files of two services: loaded together, or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.credentials import FIRST_DOMAIN, SECOND_DOMAIN, Credentials
from tests.support.log_lines import read_records
from tests.support.processes import write_config
from tests.support.second_service import SecondFiles, write_second
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.daemon_settings import DAEMON_KEYS
from tunnel_gateway.config.keys import KEYS
from tunnel_gateway.daemon.loading import Loaded, Loading
from tunnel_gateway.errors import ConfigError, FileError
from tunnel_gateway.gateway.material import TunnelFiles


class Files:
    """A configuration file, and what was loaded from it."""

    def __init__(self, folder: Path, credentials: Credentials) -> None:
        self.file = folder / "config.properties"
        self.credentials = credentials
        self.watched: list[tuple[Path, ...]] = []
        self.write()
        write_second(self.file, 1)
        self.loading = Loading([TunnelFiles(), SecondFiles()])
        self.loaded = self.loading.first(load_configuration(self.file))

    def write(self, **settings: object) -> None:
        keys = {name.replace("_", "."): value for name, value in settings.items()}
        write_config(self.file, self.credentials, 1, {"raw": 1}, keys)

    def watch(self, files: Iterable[Path]) -> None:
        self.watched.append(tuple(files))

    def load(self) -> Loaded:
        return self.loading.load(self.loaded, self.watch)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path, Credentials(tmp_path / "own"))


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return read_records(log.getvalue())


def test_each_service_has_its_material(files: Files) -> None:
    tunnels, number = files.loaded.materials
    assert set(tunnels.domains) == {FIRST_DOMAIN, SECOND_DOMAIN}
    assert number == 1


FIXED: dict[str, object] = {
    "admin_listen": "127.0.0.1:3",
    "audit_file": "audit.jsonl",
    "listen_ip": "127.0.0.2",
    "listen_port": 2,
    "listen_reuseport": "yes",
    "workers": 3,
    "fleet_redis": "redis://127.0.0.1:1/0",
    "fleet_password": "p",
}


@pytest.mark.parametrize("passed", [False, True])
def test_the_keys_that_need_a_restart_are_named(
    passed: bool, files: Files, log: io.StringIO
) -> None:
    files.write(**FIXED, limit=7, revocation="soft", log_level="debug")
    write_second(files.file, 1, port=7)
    files.loading.passed = ["tunnel"] if passed else []
    assert files.load().materials[0].config.limits.tunnels == 7
    said = {str(line["key"]): line["event"] for line in lines(log)}
    keys = [f"tunnel.{name.replace('_', '.')}" for name in FIXED]
    assert list(said) == [*keys, "second.port"]
    assert keys == [key.name for key in (*DAEMON_KEYS, *KEYS) if key.restart]
    unused = {name for name, event in said.items() if event == "listen_key_not_used"}
    assert unused == (
        {name for name in keys if name.startswith("tunnel.listen.")} if passed else set()
    )
    assert set(said.values()) <= {"listen_key_not_used", "restart_needed"}


def test_a_reload_switches_nothing_off(files: Files) -> None:
    files.write(enabled="no")
    with pytest.raises(ConfigError, match=r"tunnel\.enabled: a reload does not switch a running"):
        files.load()


def test_the_files_are_watched_also_if_they_cannot_be_used(files: Files, tmp_path: Path) -> None:
    trust, second = tmp_path / "new.pem", tmp_path / "second"
    trust.write_text("nothing yet")
    files.write(truststore_file=trust)
    with pytest.raises(FileError, match=r"new\.pem"):
        files.load()
    servers = files.credentials.servers
    assert files.watched == [(files.file, trust, servers, second)]
    old = (files.file, files.credentials.truststore, servers, second)
    assert files.loading.files(files.loaded) == old


def test_the_faults_of_all_services_come_together(files: Files, tmp_path: Path) -> None:
    trust = tmp_path / "new.pem"
    trust.write_text("nothing")
    files.write(truststore_file=trust)
    write_second(files.file, "nothing")
    with pytest.raises(ConfigError) as caught:
        files.load()
    assert [fault.file for fault in caught.value.faults] == [str(trust), f"{tmp_path}/second"]
    assert str(caught.value.faults[1]).endswith("second: not a number; it was 1 before")


def test_the_interval_and_the_changes(files: Files) -> None:
    files.write(reload_interval=3)
    files.credentials.domain(FIRST_DOMAIN)
    write_second(files.file, 2)
    after = files.load()
    loading = files.loading
    assert (loading.interval(files.loaded), loading.interval(after)) == (0.0, 3.0)
    changes = loading.changes(files.loaded, after)
    assert (changes["renewed"], changes["removed"]) == ([FIRST_DOMAIN], [])
    assert changes["domains"] == sorted([FIRST_DOMAIN, SECOND_DOMAIN])
    assert changes["numbers"] == [1, 2]
