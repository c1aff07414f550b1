from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.keystores import PASSWORD, jks, jks_entry
from tunnel_gateway.config.configuration import Configuration, load_configuration
from tunnel_gateway.daemon.descriptors import Needed
from tunnel_gateway.errors import FileError
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.rest.rest_material import RestFiles


@pytest.fixture
def file(tmp_path: Path, credentials: Credentials) -> Path:
    (tmp_path / "roots.pem").write_bytes(credentials.truststore.read_bytes())
    path = tmp_path / "config.properties"
    path.write_text("listen.port=8080\ntsp.jks.file.path=roots.pem\n", encoding="utf-8")
    return path


def configuration(file: Path, more: str = "") -> Configuration:
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")
    return load_configuration(file)


def test_the_trust_anchors_are_those_of_the_file(file: Path, credentials: Credentials) -> None:
    files = RestFiles()
    loaded = files.load(configuration(file), None)
    assert loaded.trust_anchors == load_trust_anchors(credentials.truststore)
    assert list(files.files(load_configuration(file))) == [file.with_name("roots.pem")]


def test_both_files_count_and_no_anchor_twice(file: Path, credentials: Credentials) -> None:
    more = configuration(file, f"tsp.truststore.file={credentials.truststore}\n")
    files = RestFiles()
    assert len(files.load(more, None).trust_anchors) == 1
    assert len(list(files.files(more))) == 2


def test_the_same_anchors_keep_what_was_proven(file: Path) -> None:
    files = RestFiles()
    before = files.load(configuration(file), None)
    after = files.load(configuration(file, "frontend.rate=1\n"), before)
    assert after.validator is before.validator
    assert after.config.frontend.rate == 1
    assert files.changes(before, after) == {"rest_trust_anchors": 1, "rest_trust_changed": False}


def test_a_keystore_without_its_password_is_read_unchecked(
    file: Path, credentials: Credentials
) -> None:
    (root,) = load_trust_anchors(credentials.truststore)
    file.with_name("roots.pem").write_bytes(jks(jks_entry(root)))
    loaded = RestFiles().load(configuration(file), None)
    assert loaded.trust_anchors == (root,)
    assert loaded.unchecked
    password = f"tsp.jks.file.password={PASSWORD.decode()}\n"
    checked = RestFiles().load(configuration(file, password), None)
    assert not checked.unchecked


def test_a_password_that_is_missing_or_wrong_is_told_with_its_key(
    file: Path, credentials: Credentials
) -> None:
    (root,) = load_trust_anchors(credentials.truststore)
    file.with_name("roots.pem").write_bytes(jks(jks_entry(root)))
    with pytest.raises(FileError, match=r"password is wrong.*; set tsp\.jks\.file\.password$"):
        RestFiles().load(configuration(file, "tsp.jks.file.password=nope\n"), None)


def test_a_file_of_no_use_is_named(file: Path) -> None:
    file.with_name("roots.pem").write_bytes(b"")
    with pytest.raises(FileError, match=r"roots\.pem"):
        RestFiles().load(configuration(file), None)


def test_the_port_and_the_descriptors_are_those_of_the_file(file: Path) -> None:
    files, known = RestFiles(), configuration(file, "listen.limit=20\n")
    assert str(files.port(known)) == f"{IPv4Address(0)}, port 8080"
    assert files.descriptors(known) == Needed("listen.limit", 20, 1)


def test_the_keys_of_the_port_have_no_effect_while_systemd_listens() -> None:
    assert RestFiles.listen_keys == {"listen.ip", "listen.port", "listen.reuseport"}
