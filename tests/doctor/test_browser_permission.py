"""The permission as Chromium keeps it, and as an administrator decides it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.browser_permission import Json, check_permission, policies

NOW = datetime.now(UTC)
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def keep(home: Path, exceptions: Any) -> None:
    path = home / ".config/google-chrome/Default/Preferences"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"profile": {"content_settings": {"exceptions": exceptions}}}
    path.write_text(json.dumps(content), encoding="utf-8")


def seen(home: Path, *folders: Path) -> list[tuple[object, str]]:
    return [(each.row, each.subject) for each in check_permission(home, NOW, folders)]


def test_nothing_is_decided(tmp_path: Path) -> None:
    assert seen(tmp_path) == [(texts.PERMISSION_TOLD, "Chrome")]


def test_sites_with_a_yes_and_a_no(tmp_path: Path) -> None:
    entries = {
        "https://example.uz:443,*": {"setting": 2},
        "https://other.uz:8443,*": {"setting": 2},
        "https://good.uz:443,*": {"setting": 1},
        "https://odd.uz:443,*": 2,
    }
    keep(tmp_path, {"loopback_network": entries, "local_network": {"https://a.uz": {"setting": 2}}})
    assert seen(tmp_path) == [
        (texts.SITE_BLOCKED, "https://example.uz"),
        (texts.SITE_BLOCKED, "https://other.uz:8443"),
    ]
    first = next(check_permission(tmp_path, NOW, ()))
    assert first.facts == {"browser": "Chrome", "site": "https%3A%2F%2Fexample.uz"}


def test_questions_that_were_ignored(tmp_path: Path) -> None:
    def ignored(days: float, **more: Any) -> Json:
        moment = (NOW - timedelta(days=days) - EPOCH) / timedelta(microseconds=1)
        return {"setting": {"LoopbackNetwork": {"ignore_embargo_days": moment} | more}}

    entries = {
        "https://example.uz:443,*": ignored(6.9, ignore_count=4),
        "https://long-ago.uz:443,*": ignored(7.1),
        "https://future.uz:443,*": ignored(-1),
        "https://once.uz:443,*": {"setting": {"LoopbackNetwork": {"ignore_count": 1}}},
        "https://camera.uz:443,*": {"setting": {"VideoCapture": {"dismiss_embargo_days": 1}}},
        "https://odd.uz:443,*": {"setting": {"LoopbackNetwork": {"ignore_embargo_days": "x"}}},
        "https://odder.uz:443,*": {"setting": {"LoopbackNetwork": {"ignore_embargo_days": 1e308}}},
    }
    keep(tmp_path, {"permission_autoblocking_data": entries})
    assert seen(tmp_path) == [(texts.SITE_PAUSED, "https://example.uz")]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"[" * 100_000, b'{"profile": 1}', b"\xff\xfe"]
)
def test_files_that_say_nothing(tmp_path: Path, content: bytes) -> None:
    keep(tmp_path, {})
    (tmp_path / ".config/google-chrome/Default/Preferences").write_bytes(content)
    assert seen(tmp_path) == [(texts.PERMISSION_TOLD, "Chrome")]


def test_a_policy(tmp_path: Path) -> None:
    folder = tmp_path / "managed"
    folder.mkdir()
    (folder / "a.json").write_text('{"LoopbackNetworkBlockedForUrls": ["*"]}')
    (folder / "b.json").write_text('{"LoopbackNetworkAllowedForUrls": ["https://example.uz"]}')
    (folder / "c.txt").write_text("nothing")
    assert [path.name for path, _ in policies([folder])] == ["a.json", "b.json"]
    assert seen(tmp_path, folder, tmp_path / "none") == [
        (texts.BLOCKED_BY_POLICY, str(folder / "a.json"))
    ]
