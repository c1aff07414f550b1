"""Key and chain files: what is read, and every reason to refuse them."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest

from tests.support.pki import user
from tunnel_gateway.errors import FileError, InvalidKeyError
from tunnel_gateway.gost.curves import PrivateKey
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.encoding import pem
from tunnel_gateway.pki.encoding.oids import FAMILY_2009
from tunnel_gateway.pki.files.keyfiles import (
    MAX_FILE_SIZE,
    Identity,
    is_encrypted,
    load_certificates,
    load_identity,
    password_beside,
    private_key_to_encrypted_pem,
    private_key_to_pem,
    read_file,
    read_password,
)

USER = user()
KEY_PEM = private_key_to_pem(USER.private_key, FAMILY_2009)


def file(folder: Path, content: bytes, mode: int = 0o600, name: str = "key.pem") -> Path:
    path = folder / name
    path.write_bytes(content)
    path.chmod(mode)
    return path


def load_key(path: Path, password: bytes | None = None) -> PrivateKey:
    """The key of ``path``, which belongs to the user's chain."""
    return load_identity(path, chain_file(path.parent), password).private_key


def chain_file(folder: Path) -> Path:
    return file(folder, to_pem(USER.chain), 0o644, "chain.pem")


def test_a_key_and_its_chain(tmp_path: Path) -> None:
    key, chain = file(tmp_path, KEY_PEM), file(tmp_path, to_pem(USER.chain), 0o644, "chain.pem")
    identity = load_identity(key, chain)
    assert identity.private_key.to_bytes() == USER.private_key.to_bytes()
    assert identity.chain == USER.chain
    assert identity.leaf == USER.leaf


def test_an_encrypted_key(tmp_path: Path) -> None:
    content = private_key_to_encrypted_pem(USER.private_key, FAMILY_2009, b"p", os.urandom)
    key = file(tmp_path, content)
    assert load_key(key, b"p").to_bytes() == USER.private_key.to_bytes()
    with pytest.raises(FileError, match=r"key.pem: the key is encrypted, and no password"):
        load_key(key)
    with pytest.raises(FileError, match=r"key.pem: the password is wrong"):
        load_key(key, b"q")


def test_a_password_for_a_key_that_is_not_encrypted_is_not_used(tmp_path: Path) -> None:
    assert load_key(file(tmp_path, KEY_PEM), b"p").curve is USER.private_key.curve


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o644, 0o777])
def test_a_key_that_others_can_reach(tmp_path: Path, mode: int) -> None:
    key = file(tmp_path, KEY_PEM, mode)
    with pytest.raises(FileError, match=rf"mode {mode:04o}\); run: chmod 600 {key}"):
        load_key(key)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_key_that_only_its_owner_can_reach(tmp_path: Path, mode: int) -> None:
    assert load_key(file(tmp_path, KEY_PEM, mode))


def test_the_mode_is_that_of_the_file_behind_a_link(tmp_path: Path) -> None:
    link = tmp_path / "link.pem"
    link.symlink_to(file(tmp_path, KEY_PEM, 0o644))
    with pytest.raises(FileError, match="other users can reach"):
        load_key(link)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not PEM"),
        (b"\x30\x00", "not PEM; a PFX has its chain in it, leave out .*chain.pem"),
        (to_pem(USER.chain), "0 private keys"),
        (KEY_PEM + KEY_PEM, "2 private keys"),
        (KEY_PEM[:-5], "line 4: not the begin or the end of a PEM block"),
        (pem.armour("PRIVATE KEY", b"\x05\x00"), "not a PKCS#8 private key"),
        (pem.armour("EC PRIVATE KEY", b"\x05\x00"), "a key of the form 'EC PRIVATE KEY'; it must"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_key_file(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(FileError, match=f"key.pem: {reason}"):
        load_key(file(tmp_path, content))


def test_the_certificates_may_stand_in_the_file_of_the_key(tmp_path: Path) -> None:
    both = file(tmp_path, to_pem(USER.chain) + KEY_PEM)
    assert load_identity(both, both).leaf == USER.leaf
    assert load_identity(both).chain == USER.chain


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none.pem: No such file"):
        load_key(tmp_path / "none.pem")
    with pytest.raises(FileError, match="Is a directory"):
        read_file(tmp_path)


def test_files_are_bounded(tmp_path: Path) -> None:
    assert len(read_file(file(tmp_path, bytes(MAX_FILE_SIZE)))) == MAX_FILE_SIZE
    with pytest.raises(FileError, match=f"over {MAX_FILE_SIZE} bytes"):
        read_file(file(tmp_path, bytes(MAX_FILE_SIZE + 1)))
    with pytest.raises(FileError, match="over"):
        read_file(Path("/dev/zero"))


def test_a_chain_that_is_none(tmp_path: Path) -> None:
    key, chain = file(tmp_path, KEY_PEM), file(tmp_path, b"nothing", name="chain.pem")
    with pytest.raises(FileError, match=r"chain.pem: malformed certificate"):
        load_identity(key, chain)
    with pytest.raises(FileError, match=r"chain.pem: malformed certificate"):
        load_certificates(chain)


def test_a_key_of_someone_else(tmp_path: Path) -> None:
    key = file(tmp_path, KEY_PEM)
    chain = file(tmp_path, to_pem(user().chain), name="chain.pem")
    with pytest.raises(FileError, match=r"key.pem and .*chain.pem: the private key does not"):
        load_identity(key, chain)


def test_a_chain_in_the_wrong_order(tmp_path: Path) -> None:
    key = file(tmp_path, KEY_PEM)
    chain = file(tmp_path, to_pem(USER.chain[::-1]), name="chain.pem")
    with pytest.raises(FileError, match="the owner's certificate comes first"):
        load_identity(key, chain)


def test_an_identity_without_certificates() -> None:
    with pytest.raises(InvalidKeyError, match="no certificate"):
        Identity(USER.private_key, ())


def test_an_identity_does_not_show_its_key() -> None:
    assert USER.private_key.to_bytes().hex() not in repr(USER)


def test_whether_a_key_is_encrypted(tmp_path: Path) -> None:
    closed = private_key_to_encrypted_pem(USER.private_key, FAMILY_2009, b"p", os.urandom)
    assert is_encrypted(file(tmp_path, closed))
    assert is_encrypted(file(tmp_path, b"\x30\x00"))
    assert not is_encrypted(file(tmp_path, KEY_PEM))
    with pytest.raises(FileError, match="other users can reach"):
        is_encrypted(file(tmp_path, KEY_PEM, 0o644))


class TestPasswords:
    @pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
    def test_a_line_end_is_no_part_of_it(self, tmp_path: Path, end: bytes) -> None:
        assert read_password(file(tmp_path, b" p p " + end)) == b" p p "

    @pytest.mark.parametrize("content", [b"", b"\n"])
    def test_an_empty_file(self, tmp_path: Path, content: bytes) -> None:
        with pytest.raises(FileError, match="there is no password in it"):
            read_password(file(tmp_path, content))

    def test_beside_the_key(self, tmp_path: Path) -> None:
        key = tmp_path / "example.uz.pfx"
        assert password_beside(key) is None
        path = file(tmp_path, b"p\n", name="example.uz.pfx.password")
        assert password_beside(key) == b"p"
        path.chmod(0o640)
        with pytest.raises(FileError, match="other users can reach"):
            password_beside(key)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    pipe = tmp_path / "key.pem"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(FileError, match="a pipe"):
        read_file(pipe, secret=lambda _: "")


def test_nobody_is_told_to_close_a_file_of_the_system() -> None:
    for read in (load_identity, is_encrypted, read_password):
        with pytest.raises(FileError) as caught:
            read(Path("/etc/passwd"))
        assert "chmod" not in str(caught.value)
    assert str(caught.value).endswith("lines, and a password file has one")


def test_a_certificate_in_place_of_its_key(tmp_path: Path) -> None:
    path = tmp_path / "chain.pem"
    path.write_bytes(to_pem(user().chain))
    path.chmod(0o644)
    with pytest.raises(FileError, match="there is no private key in it"):
        load_identity(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_a_password_file_from_windows(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.password"
    path.touch(mode=0o600)
    path.write_bytes("parol’ \r\n".encode(encoding))
    assert read_password(path) == "parol’ ".encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(codecs.BOM_UTF8 + b"\n", "no password in it"), (b"\xff\xfea", "damaged text in UTF-16")],
)
def test_a_password_file_with_a_mark_and_no_password(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "a.password"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(FileError, match=reason):
        read_password(path)


def test_an_encrypted_key_with_a_mark_is_seen_as_one(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.touch(mode=0o600)
    for label, expected in (("ENCRYPTED PRIVATE KEY", True), ("PRIVATE KEY", False)):
        text = pem.armour(label, b"a").decode()
        for encoding in ("utf-8-sig", "utf-16"):
            path.write_bytes(text.encode(encoding))
            assert is_encrypted(path) == expected
