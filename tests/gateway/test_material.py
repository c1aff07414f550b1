"""The material of a configuration: loaded, and loaded again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.credentials import FIRST_DOMAIN, SECOND_DOMAIN, Credentials
from tests.support.processes import write_config
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.tunnel import Config
from tunnel_gateway.daemon.descriptors import total
from tunnel_gateway.errors import FileError
from tunnel_gateway.gateway.material import Material, TunnelFiles, certificates_in_use
from tunnel_gateway.pki.certificates.certificate import to_pem


@pytest.fixture
def config(credentials: Credentials, tmp_path: Path) -> Config:
    path = tmp_path / "config.properties"
    trust = tmp_path / "trust.pem"
    trust.write_bytes(credentials.truststore.read_bytes())
    write_config(path, credentials, 1, {"raw": 1}, {"truststore.file": trust})
    return load_configuration(path).tunnel


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


def test_the_files_of_a_configuration(credentials: Credentials, tmp_path: Path) -> None:
    path = tmp_path / "config.properties"
    write_config(path, credentials, 1, {"raw": 1})
    files, configuration = TunnelFiles(), load_configuration(path)
    assert files.files(configuration) == (credentials.truststore, credentials.servers)
    assert files.settings(configuration) is configuration.tunnel
    before = files.load(configuration, None)
    after = files.load(configuration, before)
    assert after.validator is before.validator
    changes = files.changes(before, after)
    assert (changes["renewed"], changes["removed"], changes["trust_anchors"]) == ([], [], 1)
    assert files.listen_keys == {f"tunnel.listen.{name}" for name in ("ip", "port", "reuseport")}


def test_descriptors_for_tunnels_and_threads(credentials: Credentials, tmp_path: Path) -> None:
    path = tmp_path / "config.properties"
    write_config(path, credentials, 1, {"raw": 1}, {"limit": 50, "workers": 3})
    assert total([TunnelFiles().descriptors(load_configuration(path))]) == 100 + 6 + 100


def test_every_certificate_in_use(config: Config) -> None:
    material = Material.load(config)
    chain = len(material.domains[FIRST_DOMAIN].chain)
    places = [place for place, _ in certificates_in_use(material)]
    assert places.count(f"domain {FIRST_DOMAIN}") == chain
    assert places[-1] == "truststore"
    assert len(places) == sum(len(one.chain) for one in material.domains.values()) + 1
