"""The folder of a development authority: what is written is read again, and nothing is lost."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.pki import MADE, NOW, authority, domain, user
from tests.support.stamps import usual
from tunnel_gateway.centre.authority_folder import ISSUERS, AuthorityFolder
from tunnel_gateway.errors import FileError, WrongPasswordError
from tunnel_gateway.pki.authority import Authority
from tunnel_gateway.pki.files.keyfiles import load_identity, password_beside
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.revoked_info import HOLD, RevokedInfo


@pytest.fixture
def folder(tmp_path: Path) -> AuthorityFolder:
    made = AuthorityFolder(tmp_path / "dev")
    assert made.is_free()
    made.add_part("root", authority().root)
    made.add_part("centre", authority().centre)
    return made


def test_the_authority(folder: AuthorityFolder) -> None:
    assert not folder.is_free()
    read = folder.authority()
    assert read.root.chain == authority().root.chain
    assert read.centre.private_key.public_key() == authority().centre.leaf.public_key
    folder.add_part("tsa", usual())
    assert folder.identity("tsa").chain == usual().chain


def test_a_password(tmp_path: Path) -> None:
    folder = AuthorityFolder(tmp_path, b"parol")
    folder.add_part("root", authority().root)
    assert folder.identity("root").chain == authority().root.chain
    for password in (None, b"boshqa"):
        with pytest.raises((FileError, WrongPasswordError)):
            AuthorityFolder(tmp_path, password).identity("root")


def test_domains_and_users(folder: AuthorityFolder) -> None:
    folder.add_domain("example.uz", domain())
    folder.add_user("citizen", user())
    for path in (folder.domain_folder("example.uz"), folder.user_folder("citizen")):
        assert load_identity(path / "key.pem", path / "chain.pem")
        assert stat.S_IMODE((path / "key.pem").stat().st_mode) == 0o600
    for pfx in folder.path.rglob("*.pfx"):
        assert load_identity(pfx, None, password_beside(pfx))


def test_what_was_issued(folder: AuthorityFolder) -> None:
    leaf = user().leaf
    assert not folder.is_issued("centre", leaf.serial)
    folder.add_issued("centre", leaf)
    assert folder.is_issued("centre", leaf.serial)
    assert not folder.is_issued("root", leaf.serial)
    assert not folder.is_issued("centre", leaf.serial + 1)


def test_lists(folder: AuthorityFolder) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    revoked = {5: RevokedInfo(moment, HOLD), 2**60: RevokedInfo(moment, None)}
    for name in ISSUERS:
        assert folder.revocations(name) == {}
        issuer = folder.identity(name)
        folder.write_list(name, issuer, revoked, NOW)
        assert folder.revocations(name) == revoked
        read = RevocationList(folder.list_path(name).read_bytes())
        read.proven_by(issuer.leaf)
        assert read.next_update - read.this_update == timedelta(days=30)
        folder.write_list(name, issuer, {}, NOW)
        assert folder.revocations(name) == {}
    assert {path.name for path in folder.list_path("root").parent.iterdir()} == {
        "root.crl",
        "centre.crl",
    }


def test_faults(folder: AuthorityFolder, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"tsa\.key\.pem: not there; name the DIR of a pki init"):
        folder.identity("tsa")
    with pytest.raises(FileError, match="File exists"):
        folder.add_part("root", authority().root)
    path = folder.list_path("root")
    path.parent.mkdir()
    path.write_bytes(b"0")
    with pytest.raises(FileError, match=r"root\.crl: .*; move it away to begin a new list"):
        folder.revocations("root")
    path.unlink()
    path.mkdir()
    with pytest.raises(FileError, match=r"root\.crl: Is a directory"):
        folder.revocations("root")
    with pytest.raises(FileError, match=r"root\.crl: Is a directory"):
        folder.write_list("root", authority().root, {}, NOW)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(FileError, match="Not a directory"):
        AuthorityFolder(file).is_free()


def test_another_authority_does_not_mix_in(folder: AuthorityFolder) -> None:
    other = Authority.create(now=MADE, entropy=os.urandom)
    with pytest.raises(FileError):
        folder.add_part("centre", other.centre)
    assert folder.authority().centre.chain == authority().centre.chain
