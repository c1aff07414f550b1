"""The folder of the domains: all that can be used, or every reason why one cannot."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.credentials import FIRST_DOMAIN, SECOND_DOMAIN, Credentials
from tunnel_gateway.errors import ConfigError
from tunnel_gateway.gateway.domains import load_domains
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C, Curve
from tunnel_gateway.pki.files.keyfiles import (
    Identity,
    identity_to_pfx,
    private_key_to_encrypted_pem,
)


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
    assert first.startswith(f"{folder / 'README.txt'}: neither a domain's folder with key.pem")
    assert f"{folder / FIRST_DOMAIN / 'key.pem'}: No such file" in second
    assert "uchinchi.uz" in third
    assert third.endswith("rename it or replace the certificate")


def test_a_name_that_no_client_asks_for(folder: Path) -> None:
    (folder / SECOND_DOMAIN).rename(folder / "Boshqa.UZ")
    (fault,) = faults(folder)
    assert fault.endswith("Boshqa.UZ: not a domain in lower case, as A-labels; rename it")


@pytest.mark.parametrize("name", ["a..uz", "-a.uz"])
def test_a_name_that_is_not_a_domain(name: str, folder: Path) -> None:
    (folder / SECOND_DOMAIN).rename(folder / name)
    (fault,) = faults(folder)
    assert "rename it" in fault


def test_a_chain_that_does_not_fit_into_a_handshake(folder: Path) -> None:
    chain = folder / SECOND_DOMAIN / "chain.pem"
    chain.write_bytes(chain.read_bytes() * 5)
    (fault,) = faults(folder)
    assert f"{folder / SECOND_DOMAIN}: its chain: " in fault


def test_no_domain_at_all(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path)
    assert fault == (
        f"{tmp_path}: no domains: put a file DOMAIN.pfx here, or a folder named like the domain"
        " with key.pem and chain.pem"
    )


class TestPfx:
    @pytest.fixture
    def pfx(self, folder: Path, credentials: Credentials) -> Path:
        """The first domain as a PFX, and not as a folder."""
        shutil.rmtree(folder / FIRST_DOMAIN)
        path = folder / f"{FIRST_DOMAIN}.pfx"
        path.touch(0o600)
        identity = credentials.example.identity
        path.write_bytes(identity_to_pfx(identity, "kalit", b"maxfiy", os.urandom, rounds=10))
        return path

    @pytest.mark.parametrize("own", [True, False])
    def test_its_password(
        self, own: bool, folder: Path, pfx: Path, credentials: Credentials
    ) -> None:
        common = b"maxfiy"
        if own:
            common = b"boshqa"
            password = pfx.with_name(f"{pfx.name}.password")
            password.touch(0o600)
            password.write_bytes(b"maxfiy\n")
        domains = load_domains(folder, common)
        assert domains.keys() == {FIRST_DOMAIN, SECOND_DOMAIN}
        assert domains[FIRST_DOMAIN].chain == credentials.example.identity.chain

    @pytest.mark.parametrize(
        ("password", "reason"),
        [(None, "none is configured for it"), (b"boshqa", "the password is wrong")],
        ids=["none", "another"],
    )
    def test_a_wrong_password(
        self, password: bytes | None, reason: str, folder: Path, pfx: Path
    ) -> None:
        (fault,) = faults(folder, password)
        assert f"{pfx}: " in fault
        assert reason in fault
        assert "boshqa" not in fault

    def test_the_password_of_a_folder_is_not_that_of_a_pfx(self, folder: Path, pfx: Path) -> None:
        password = folder / f"{FIRST_DOMAIN}.password"
        password.touch(0o600)
        password.write_bytes(b"maxfiy")
        (fault,) = faults(folder)
        assert "none is configured" in fault

    def test_a_file_that_others_can_read(self, folder: Path, pfx: Path) -> None:
        pfx.chmod(0o640)
        (fault,) = faults(folder, b"maxfiy")
        assert f"chmod 600 {pfx}" in fault

    def test_a_name_that_is_not_the_certificates(self, folder: Path, pfx: Path) -> None:
        pfx.rename(folder / "uchinchi.uz.pfx")
        (fault,) = faults(folder, b"maxfiy")
        assert "is not one of uchinchi.uz" in fault
        assert fault.endswith("rename it or replace the certificate")

    def test_a_name_that_no_client_asks_for(self, folder: Path, pfx: Path) -> None:
        pfx.rename(folder / "Boshqa.UZ.pfx")
        (fault,) = faults(folder, b"maxfiy")
        assert fault.endswith("Boshqa.UZ.pfx: not a domain in lower case, as A-labels; rename it")

    def test_a_folder_beside_it(self, folder: Path, pfx: Path, credentials: Credentials) -> None:
        shutil.copytree(credentials.servers / FIRST_DOMAIN, folder / FIRST_DOMAIN)
        (fault,) = faults(folder, b"maxfiy")
        assert fault == f"{pfx}: a second key for {FIRST_DOMAIN} on CryptoPro-A; move one away"


def further(folder: Path, credentials: Credentials, name: str, curve: Curve) -> Identity:
    """Put another key of the first domain there, under this name."""
    made = credentials.domain(FIRST_DOMAIN, folder=folder.parent / name, curve=curve)
    shutil.copytree(folder.parent / name / FIRST_DOMAIN, folder / name)
    return made.identity


def test_keys_on_several_curves(folder: Path, credentials: Credentials) -> None:
    shutil.rmtree(folder / FIRST_DOMAIN)
    on_c = further(folder, credentials, FIRST_DOMAIN, CRYPTOPRO_C)
    on_a = further(folder, credentials, f"{FIRST_DOMAIN}.a", CRYPTOPRO_A)
    domains = load_domains(folder, None)
    assert domains.keys() == domains.keys_of.keys() == {FIRST_DOMAIN, SECOND_DOMAIN}
    assert [key.leaf for key in domains.keys_of[FIRST_DOMAIN]] == [on_a.leaf, on_c.leaf]
    assert domains[FIRST_DOMAIN].leaf == on_a.leaf


def test_the_name_of_a_further_key_tells_its_curve(folder: Path, credentials: Credentials) -> None:
    further(folder, credentials, f"{FIRST_DOMAIN}.c", CRYPTOPRO_B)
    (fault,) = faults(folder)
    assert fault.endswith("the key is on CryptoPro-B; name it after that curve")
    shutil.move(folder / f"{FIRST_DOMAIN}.c", folder / f"{FIRST_DOMAIN}.b")
    assert [len(keys) for keys in load_domains(folder, None).keys_of.values()] == [1, 2]
    further(folder, credentials, f"{FIRST_DOMAIN}.a", CRYPTOPRO_A)
    (fault,) = faults(folder)
    assert "a second key for" in fault
