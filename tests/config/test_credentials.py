"""Passwords from systemd's credentials, and none of them in the text of a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.errors import ConfigError

KEY = "tunnel.servers.password"


@pytest.fixture
def credentials_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "servers").mkdir()
    (tmp_path / "trust.pem").touch()
    path = tmp_path / "config.properties"
    path.write_text(
        "tunnel.enabled=yes\ntunnel.servers.dir=servers\ntunnel.truststore.file=trust.pem\n"
        "tunnel.destination.0.host=127.0.0.1\ntunnel.destination.0.port=1\n"
    )
    return path


def faults_of(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_configuration(path)
    assert "maxfiy" not in str(caught.value)
    return [str(fault) for fault in caught.value.faults]


def test_passwords_come_from_credentials(credentials_folder: Path, config: Path) -> None:
    (credentials_folder / KEY).write_text(" maxfiy so‘z \r\n", encoding="utf-8")
    (credentials_folder / "tunnel.truststore.password").write_text("ikkinchi")
    (credentials_folder / "tunnel.limit").write_text("1")  # passwords, and nothing else
    loaded = load_configuration(config).tunnel
    assert loaded.servers_password == "maxfiy so‘z".encode()
    assert loaded.truststore_password == b"ikkinchi"
    assert loaded.limits.tunnels == 10_000


def test_without_a_credential_the_file_counts(credentials_folder: Path, config: Path) -> None:
    with config.open("a") as file:
        file.write(f"{KEY}=maxfiy\ntunnel.truststore.password=\n")
    (credentials_folder / "tunnel.truststore.password").write_text("ikkinchi")
    loaded = load_configuration(config).tunnel
    assert loaded.servers_password == b"maxfiy"
    assert loaded.truststore_password == b"ikkinchi"  # an empty value is none


def test_given_twice(credentials_folder: Path, config: Path) -> None:
    with config.open("a") as file:
        file.write(f"{KEY}=maxfiy\n")
    (credentials_folder / KEY).write_text("maxfiy")
    (fault,) = faults_of(config)
    assert fault.startswith(f"{config}:6: {KEY}: also given as a credential, {credentials_folder}")
    assert "remove this line" in fault


@pytest.mark.parametrize(
    "content",
    ["", " \n", "maxfiy\nmaxfiy", "maxfiy" * 200],
    ids=["empty", "blank", "two lines", "long"],
)
def test_no_password(content: str, credentials_folder: Path, config: Path) -> None:
    (credentials_folder / KEY).write_text(content)
    (fault,) = faults_of(config)
    assert fault.startswith(f"{credentials_folder / KEY}: a credential is one line of at most")


def test_a_credential_that_cannot_be_read(credentials_folder: Path, config: Path) -> None:
    (credentials_folder / KEY).mkdir()
    (fault,) = faults_of(config)
    assert fault == f"{credentials_folder / KEY}: the credential cannot be read (Is a directory)"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_credential_from_windows(credentials_folder: Path, config: Path, encoding: str) -> None:
    (credentials_folder / KEY).write_bytes("maxfiy so‘z\r\n".encode(encoding))
    assert load_configuration(config).tunnel.servers_password == "maxfiy so‘z".encode()


def test_a_credential_that_is_damaged_utf16(credentials_folder: Path, config: Path) -> None:
    (credentials_folder / KEY).write_bytes(b"\xff\xfem")
    (fault,) = faults_of(config)
    assert "damaged text in UTF-16" in fault
