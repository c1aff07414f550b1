"""The folder of lists: changed, broken and foreign files."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

from tests.support.pki import authority
from tests.support.revocation import entry, make_list, now, with_entries
from tunnel_gateway.revocation.list_folder import ListFolder


def test_files_come_change_and_go(tmp_path: Path) -> None:
    folder = ListFolder(tmp_path)
    centre = authority().centre
    assert folder.lists_of(centre.leaf) == []
    path = tmp_path / "centre.crl"
    path.write_bytes(make_list(centre, 7))
    (tmp_path / "root.crl").write_bytes(make_list(authority().root))
    (one,) = folder.lists_of(centre.leaf)
    assert one.content.revoked(7)
    draft = tmp_path / ".draft"
    draft.write_bytes(make_list(centre, 7, 8))
    (same,) = folder.lists_of(centre.leaf)
    assert same.content is one.content
    draft.replace(path)
    (other,) = folder.lists_of(centre.leaf)
    assert other.content.revoked(8)
    path.unlink()
    assert folder.lists_of(centre.leaf) == []


def test_a_file_of_no_use_is_told_once(tmp_path: Path, log: StringIO) -> None:
    folder = ListFolder(tmp_path)
    (tmp_path / "notes.txt").write_text("not a list")
    (tmp_path / "centre.crl").write_bytes(make_list(authority().centre))
    for _ in range(2):
        assert len(folder.lists_of(authority().centre.leaf)) == 1
    (line,) = log.getvalue().splitlines()
    assert "crl_file_not_used" in line
    assert "notes.txt" in line


def test_entries_that_match_nobody_are_told_once(tmp_path: Path, log: StringIO) -> None:
    centre = authority().centre
    odd = [entry(b"\x11" * 25), entry(b"\xfa")]
    (tmp_path / "odd.crl").write_bytes(with_entries(centre, entry(b"\x05"), *odd, at=now()))
    (tmp_path / "good.crl").write_bytes(make_list(centre, 7))
    folder = ListFolder(tmp_path)
    for _ in range(2):
        assert len(folder.lists_of(centre.leaf)) == 2
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert (line["event"], line["entries"]) == ("crl_entries_passed_over", 2)
    assert line["file"].endswith("odd.crl")


def test_one_file_does_not_hide_the_others(tmp_path: Path, log: StringIO) -> None:
    centre = authority().centre
    (tmp_path / "centre.crl").write_bytes(make_list(centre))
    for name in (".hidden", "a.crl"):
        (tmp_path / name).symlink_to(tmp_path / "gone")
    assert len(ListFolder(tmp_path).lists_of(centre.leaf)) == 1
    (line,) = log.getvalue().splitlines()
    assert "crl_file_not_used" in line
    assert "a.crl" in line


def test_a_folder_out_of_sight_keeps_its_lists(tmp_path: Path, log: StringIO) -> None:
    centre, inside = authority().centre, tmp_path / "lists"
    inside.mkdir()
    (inside / "centre.crl").write_bytes(make_list(centre))
    folder = ListFolder(inside)
    assert len(folder.lists_of(centre.leaf)) == 1
    inside.rename(tmp_path / "away")
    assert len(folder.lists_of(centre.leaf)) == 1
    assert "crl_folder_not_read" in log.getvalue()


def test_a_change_of_mode_is_a_change(tmp_path: Path) -> None:
    centre, path = authority().centre, tmp_path / "centre.crl"
    path.write_bytes(make_list(centre))
    folder = ListFolder(tmp_path)
    (first,) = folder.lists_of(centre.leaf)
    path.chmod(0o600)
    (second,) = folder.lists_of(centre.leaf)
    assert second.content is not first.content


def test_a_folder_that_has_gone(tmp_path: Path, log: StringIO) -> None:
    assert ListFolder(tmp_path / "gone").lists_of(authority().centre.leaf) == []
    assert "crl_folder_not_read" in log.getvalue()


def test_a_list_with_a_wrong_signature(tmp_path: Path, log: StringIO) -> None:
    data = bytearray(make_list(authority().centre))
    data[-1] ^= 1
    (tmp_path / "forged.crl").write_bytes(data)
    assert ListFolder(tmp_path).lists_of(authority().centre.leaf) == []
    assert "does not verify" in log.getvalue()
