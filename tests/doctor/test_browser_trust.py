"""The stores of browsers, made and filled by certutil itself."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.programs import Programs
from tunnel_gateway.agent.api.local_certificate import LocalCertificate
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.browser_trust import check_trust

with_certutil = pytest.mark.skipif(
    shutil.which("certutil") is None, reason="certutil (libnss3-tools) is missing"
)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    local = LocalCertificate(tmp_path / "state")
    local.ensure(datetime.now(UTC))
    return local.authority


def made_store(folder: Path, *trusted: tuple[str, str, Path]) -> None:
    """Make a store with certificates: name, flags, file."""
    folder.mkdir(parents=True)
    database = ("certutil", "-d", f"sql:{folder}")
    subprocess.run((*database, "-N", "--empty-password"), check=True)
    for name, flags, file in trusted:
        subprocess.run((*database, "-A", "-n", name, "-t", flags, "-i", file), check=True)


@with_certutil
def test_one_store_trusts_and_one_does_not(tmp_path: Path, authority: Path) -> None:
    other = LocalCertificate(tmp_path / "other")
    other.ensure(datetime.now(UTC))
    home = tmp_path / "home"
    made_store(home / ".pki/nssdb", ("odd name, C,,", "C,,", authority))
    made_store(
        home / ".mozilla/firefox/a.default",
        ("same name", "C,,", other.authority),
        ("not for servers", ",,", authority),
    )
    assert [(seen.row, seen.subject) for seen in check_trust(home, authority)] == [
        (texts.TRUSTED, f"Chromium {home}/.pki/nssdb"),
        (texts.NOT_TRUSTED, f"Firefox {home}/.mozilla/firefox/a.default"),
    ]


@with_certutil
def test_a_store_that_is_none(tmp_path: Path, authority: Path) -> None:
    store = tmp_path / "home/.pki/nssdb"
    store.mkdir(parents=True)
    (store / "cert9.db").write_text("nothing")
    (seen,) = check_trust(tmp_path / "home", authority)
    assert seen.row is texts.STORE_UNREADABLE


def test_without_certutil(tmp_path: Path, authority: Path, programs: Programs) -> None:
    store = tmp_path / "home/.pki/nssdb"
    store.mkdir(parents=True)
    (store / "cert9.db").touch()
    (seen,) = check_trust(tmp_path / "home", authority)
    assert seen.row is texts.NO_CERTUTIL


def test_rubbish_from_certutil(tmp_path: Path, authority: Path, programs: Programs) -> None:
    store = tmp_path / "home/.pki/nssdb"
    store.mkdir(parents=True)
    (store / "cert9.db").touch()
    programs.add("certutil", 'echo "a   C,,"')
    (seen,) = check_trust(tmp_path / "home", authority)
    assert seen.row is texts.NOT_TRUSTED


def test_no_store(tmp_path: Path, authority: Path) -> None:
    (seen,) = check_trust(tmp_path / "home", authority)
    assert seen.row is texts.NO_STORES


def test_no_certificate_yet(tmp_path: Path) -> None:
    assert list(check_trust(tmp_path, tmp_path / "none.pem")) == []
