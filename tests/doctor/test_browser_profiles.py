"""Where browsers keep the files of a user."""

from __future__ import annotations

from pathlib import Path

from tunnel_gateway.doctor.browser_profiles import (
    certificate_stores,
    chromium_profiles,
    firefox_profiles,
)


def made(home: Path, *names: str) -> None:
    for name in names:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_no_browser(tmp_path: Path) -> None:
    assert firefox_profiles(tmp_path) == []
    assert chromium_profiles(tmp_path) == []
    assert certificate_stores(tmp_path) == []


def test_every_profile(tmp_path: Path) -> None:
    made(
        tmp_path,
        ".mozilla/firefox/a.default/prefs.js",
        ".mozilla/firefox/a.default/cert9.db",
        ".mozilla/firefox/Crash Reports/x",
        "snap/firefox/common/.mozilla/firefox/b/cert9.db",
        ".config/google-chrome/Default/Preferences",
        ".config/google-chrome/Profile 1/Preferences",
        ".config/google-chrome/Local State",
        ".config/yandex-browser/Default/Preferences",
        ".pki/nssdb/cert9.db",
        ".local/share/pki/nssdb/other",
    )
    assert [each.folder.name for each in firefox_profiles(tmp_path)] == ["a.default"]
    assert [(each.browser, each.folder.name) for each in chromium_profiles(tmp_path)] == [
        ("Chrome", "Default"),
        ("Chrome", "Profile 1"),
        ("Yandex", "Default"),
    ]
    assert [(each.browser, each.folder.name) for each in certificate_stores(tmp_path)] == [
        ("Chromium", "nssdb"),
        ("Firefox", "a.default"),
        ("Firefox", "b"),
    ]
