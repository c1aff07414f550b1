"""The material of a configuration: loaded, and loaded again."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.credentials import FIRST_DOMAIN, SECOND_DOMAIN, Credentials
from tests.support.log_lines import read_records
from tests.support.processes import write_config
from tunnel_gateway.config.keys import KEYS
from tunnel_gateway.config.tunnel import Config, load_config
from tunnel_gateway.errors import ConfigError, FileError
from tunnel_gateway.gateway.material import Material, MaterialLoader
from tunnel_gateway.pki.certificates.certificate import to_pem


@pytest.fixture
def config(credentials: Credentials, tmp_path: Path) -> Config:
    path = tmp_path / "config.properties"
    trust = tmp_path / "trust.pem"
    trust.write_bytes(credentials.truststore.read_bytes())
    write_config(path, credentials, 1, {"raw": 1}, {"truststore.file": trust})
    return load_config(path)


def test_everything_is_loaded(config: Config, credentials: Credentials) -> None:
    material = Material.load(config)
    assert set(material.domains) == {FIRST_DOMAIN, SECOND_DOMAIN}
    assert material.trust_anchors == (credentials.authority.root.leaf,)
    assert material.config is config


def test_accepted_chains_are_remembered_while_the_anchors_are_the_same(
    config: Config, credentials: Credentials
) -> None:
    first = Material.load(config)
    assert Material.load(config, first).validator is first.validator
    more = [credentials.authority.root.leaf, credentials.new_authority().root.leaf]
    config.truststore_file.write_bytes(to_pem(more))
    second = Material.load(config, first)
    assert second.validator is not first.validator
    assert second.trust_anchors == tuple(more)


def test_what_cannot_be_used(config: Config) -> None:
    config.truststore_file.write_text("nothing")
    with pytest.raises(FileError, match=r"trust\.pem"):
        Material.load(config)


class Reloads:
    """A configuration file, and the material that was loaded from it."""

    def __init__(self, folder: Path, credentials: Credentials) -> None:
        self.file = folder / "config.properties"
        self.credentials = credentials
        self.watched: list[tuple[Path, ...]] = []
        self.write()
        self.material = Material.load(load_config(self.file))

    def write(self, **settings: object) -> None:
        keys = {name.replace("_", "."): value for name, value in settings.items()}
        write_config(self.file, self.credentials, 1, {"raw": 1}, keys)

    def watch(self, files: Iterable[Path]) -> None:
        self.watched.append(tuple(files))

    def load(self, *, passed: bool = False) -> Material:
        return MaterialLoader(self.file, passed=passed).load(self.material, self.watch)


@pytest.fixture
def reloads(tmp_path: Path) -> Reloads:
    return Reloads(tmp_path, Credentials(tmp_path / "own"))


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return read_records(log.getvalue())


FIXED: dict[str, object] = {
    "listen_ip": "127.0.0.2",
    "listen_port": 2,
    "listen_reuseport": "yes",
    "fleet_redis": "redis://127.0.0.1:1/0",
    "fleet_password": "p",
    "admin_listen": "127.0.0.1:3",
}


@pytest.mark.parametrize("passed", [False, True])
def test_the_keys_that_need_a_restart_are_named(
    passed: bool, reloads: Reloads, tmp_path: Path, log: io.StringIO
) -> None:
    fixed = FIXED | {"audit_file": tmp_path / "audit.jsonl"}
    reloads.write(**fixed, limit=7, revocation="soft", log_level="debug")
    assert reloads.load(passed=passed).config.limits.tunnels == 7
    event = "listen_key_not_used" if passed else "restart_needed"
    keys = [str(line["key"]) for line in lines(log) if line["event"] == event]
    assert keys == [f"tunnel.{name.replace('_', '.')}" for name in fixed]
    assert keys == [key.name for key in KEYS if key.restart]


def test_a_reload_switches_nothing_off(reloads: Reloads) -> None:
    reloads.write(enabled="no")
    with pytest.raises(ConfigError, match=r"tunnel\.enabled"):
        reloads.load()


def test_the_files_are_watched_also_if_they_cannot_be_used(
    reloads: Reloads, tmp_path: Path
) -> None:
    trust = tmp_path / "new.pem"
    trust.write_text("nothing yet")
    reloads.write(truststore_file=trust)
    with pytest.raises(FileError, match=r"new\.pem"):
        reloads.load()
    assert reloads.watched == [(reloads.file, trust, reloads.credentials.servers)]
    loader = MaterialLoader(reloads.file)
    old = reloads.credentials.truststore, reloads.credentials.servers
    assert loader.files(reloads.material) == (reloads.file, *old)


def test_the_interval_and_the_changes(reloads: Reloads) -> None:
    reloads.write(reload_interval=3)
    reloads.credentials.domain(FIRST_DOMAIN)
    after = reloads.load()
    loader = MaterialLoader(reloads.file)
    assert (loader.interval(reloads.material), loader.interval(after)) == (0.0, 3.0)
    changes = loader.changes(reloads.material, after)
    assert (changes["renewed"], changes["removed"]) == ([FIRST_DOMAIN], [])
    assert changes["domains"] == sorted([FIRST_DOMAIN, SECOND_DOMAIN])
