"""The folder with the certificates of centres."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pki import authority, user
from tunnel_gateway.errors import FileError
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.files.centres_folder import load_centres


def test_every_certificate_once(tmp_path: Path) -> None:
    made = authority()
    (tmp_path / "both.pem").write_bytes(to_pem([made.root.leaf, made.centre.leaf]))
    (tmp_path / "centre.cer").write_bytes(made.centre.leaf.der)
    (tmp_path / ".hidden").write_bytes(b"x")
    assert load_centres(tmp_path) == (made.root.leaf, made.centre.leaf)


def test_what_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        load_centres(tmp_path / "yoq")
    path = tmp_path / "user.pem"
    path.write_bytes(to_pem([user().leaf]))
    with pytest.raises(FileError, match="move it away"):
        load_centres(tmp_path)
    path.write_bytes(b"nothing")
    with pytest.raises(FileError, match=r"user\.pem"):
        load_centres(tmp_path)
