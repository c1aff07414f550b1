"""The files of an earlier process."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tunnel_gateway.revocation.cache import RevocationCache

NAME = f"{'a' * 64}.crl"


def test_what_was_written_is_read(tmp_path: Path) -> None:
    cache = RevocationCache(tmp_path)
    assert cache.read(NAME, 100) is None
    cache.write(NAME, b"birinchi")
    cache.write(NAME, b"ikkinchi")
    os.utime(tmp_path / NAME, (time.time() - 60,) * 2)
    kept = cache.read(NAME, 8)
    assert kept is not None
    assert kept[0] == b"ikkinchi"
    assert kept[1] >= 60
    assert cache.read(NAME, 7) is None
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_nowhere() -> None:
    cache = RevocationCache(None)
    cache.write(NAME, b"")
    cache.prune()
    assert cache.read(NAME, 1) is None


def test_a_folder_that_has_gone(tmp_path: Path) -> None:
    cache = RevocationCache(tmp_path / "gone")
    cache.write(NAME, b"")
    cache.prune()
    assert cache.read(NAME, 1) is None


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    assert RevocationCache(tmp_path).read(NAME, 1 << 20) is None


def test_the_old_go_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    cache = RevocationCache(tmp_path)
    new = f"{'b' * 64}.ocsp"
    for name in (NAME, new, "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    long_ago = time.time() - 31 * 86_400
    for name in (NAME, "notes.txt"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    cache.prune()
    assert {path.name for path in tmp_path.iterdir()} == {new, "notes.txt"}
