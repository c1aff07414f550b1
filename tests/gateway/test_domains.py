"""The folder of the domains: every one that can be used, or every reason why not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.credentials import FIRST_DOMAIN, SECOND_DOMAIN, Credentials
from tunnel_gateway.errors import ConfigError
from tunnel_gateway.gateway.domains import load_domains
from tunnel_gateway.pki.keyfiles import private_key_to_encrypted_pem


@pytest.fixture
def folder(credentials: Credentials, tmp_path: Path) -> Path:
    return Path(shutil.copytree(credentials.servers, tmp_path / "servers"))


def encrypt(folder: Path, credentials: Credentials, password: bytes) -> None:
    identity = credentials.example.identity
    key = folder / FIRST_DOMAIN / "key.pem"
    key.write_bytes(
        private_key_to_encrypted_pem(
            identity.private_key, identity.leaf.family, password, os.urandom
        )
    )


def faults(folder: Path, password: bytes | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_domains(folder, password)
    return [str(fault) for fault in caught.value.faults]


def test_every_domain(folder: Path, credentials: Credentials) -> None:
    (folder / ".git").mkdir()
    domains = load_domains(folder, None)
    assert domains.keys() == {FIRST_DOMAIN, SECOND_DOMAIN}
    assert domains[FIRST_DOMAIN].chain == credentials.example.identity.chain


@pytest.mark.parametrize("own", [True, False])
def test_an_encrypted_key(own: bool, folder: Path, credentials: Credentials) -> None:
    encrypt(folder, credentials, b"maxfiy")
    common = b"maxfiy"
    if own:
        common = b"boshqa"
        password = folder / f"{FIRST_DOMAIN}.password"
        password.touch(0o600)
        password.write_bytes(b"maxfiy\n")
    assert FIRST_DOMAIN in load_domains(folder, common)


def test_a_password_that_others_can_read(folder: Path, credentials: Credentials) -> None:
    encrypt(folder, credentials, b"maxfiy")
    (folder / f"{FIRST_DOMAIN}.password").write_bytes(b"maxfiy")
    (folder / f"{FIRST_DOMAIN}.password").chmod(0o644)
    (fault,) = faults(folder)
    assert "chmod 600" in fault
    assert "maxfiy" not in fault


def test_every_fault_at_once(folder: Path, credentials: Credentials) -> None:
    (folder / "README.txt").write_text("notes")
    (folder / FIRST_DOMAIN / "key.pem").unlink()
    (folder / SECOND_DOMAIN).rename(folder / "uchinchi.uz")
    first, second, third = sorted(faults(folder))
    assert first.startswith(f"{folder / 'README.txt'}: not a domain's folder with key.pem")
    assert f"{folder / FIRST_DOMAIN / 'key.pem'}: No such file" in second
    assert "uchinchi.uz" in third
    assert third.endswith("rename the folder or replace chain.pem")


def test_a_name_that_no_client_asks_for(folder: Path) -> None:
    (folder / SECOND_DOMAIN).rename(folder / "Boshqa.UZ")
    (fault,) = faults(folder)
    assert fault.endswith("Boshqa.UZ: not a domain in lower case, as A-labels; rename the folder")


@pytest.mark.parametrize("name", ["a..uz", "-a.uz"])
def test_a_name_that_is_none(name: str, folder: Path) -> None:
    (folder / SECOND_DOMAIN).rename(folder / name)
    (fault,) = faults(folder)
    assert "rename the folder" in fault


def test_a_chain_that_does_not_fit_into_a_handshake(folder: Path) -> None:
    chain = folder / SECOND_DOMAIN / "chain.pem"
    chain.write_bytes(chain.read_bytes() * 5)
    (fault,) = faults(folder)
    assert f"{chain}: " in fault


def test_no_domain_at_all(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path)
    assert fault == (
        f"{tmp_path}: no domains: make a folder named like the domain with key.pem and chain.pem"
    )
