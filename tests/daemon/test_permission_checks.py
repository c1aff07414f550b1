"""Permissions that are too wide, and permissions that are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunnel_gateway.daemon import permission_checks
from tunnel_gateway.daemon.permission_checks import (
    check_password_file,
    check_user,
    check_writers,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    file = tmp_path / "config.properties"
    file.touch(0o600)
    return file


@pytest.mark.parametrize(
    ("owner", "user", "command"),
    [(5, 5, "chmod 600 {}"), (5, 6, "chgrp tunnel-gateway {0} && chmod 640 {0}")],
)
def test_a_file_with_a_password(
    owner: int, user: int, command: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(check_password_file(file)) == []
    file.chmod(0o644)
    found = list(file.stat())
    found[4] = owner
    monkeypatch.setattr(Path, "stat", lambda _: os.stat_result(found))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    (finding,) = check_password_file(file)
    assert finding.status == "warning"
    assert finding.text.endswith(f"run: {command.format(file)}")


@pytest.mark.parametrize(("user", "group", "warned"), [(0, 5, True), (0, 0, False), (5, 5, False)])
def test_root_for_another_user(
    user: int, group: int, warned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = list(tmp_path.stat())
    status[5] = group
    monkeypatch.setattr(Path, "stat", lambda _: os.stat_result(status))
    monkeypatch.setattr(Path, "group", lambda _: "the-group")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    texts = [finding.text for finding in check_user(tmp_path, "tunnel-gateway check")]
    assert [text.endswith("runuser -u the-group -- tunnel-gateway check") for text in texts] == (
        [True] if warned else []
    )


def test_files_that_others_may_change(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "servers"
    inner = folder / "example.uz"
    inner.mkdir(parents=True, mode=0o755)
    key = inner / "key.pem"
    key.touch(0o600)
    link = folder / "link"
    link.symlink_to(key)
    assert list(check_writers([file], [folder])) == []
    for path in (file, tmp_path, inner, key):
        mode = path.stat().st_mode
        path.chmod(mode | 0o020)
        (finding,) = check_writers([file], [folder])
        assert (finding.status, finding.subject) == ("fault", str(path))
        assert finding.text.endswith(f"run: chmod go-w {path}")
        path.chmod(mode)
    tmp_path.chmod(0o1777)  # as /tmp
    assert list(check_writers([file], [folder])) == []


def test_a_folder_that_cannot_be_read_is_left_to_others(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise PermissionError

    folder = tmp_path / "servers"
    folder.mkdir()
    monkeypatch.setattr(Path, "iterdir", fail)
    assert permission_checks._inside(folder) == []
    assert list(check_writers([file], [folder])) == []
