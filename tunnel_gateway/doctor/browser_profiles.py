"""Where the browsers of a user keep their files, on Linux, macOS and Windows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

_MAX_PROFILES: Final = 50
_MAX_ENTRIES: Final = 1000

_FIREFOX: Final = (
    ".mozilla/firefox",
    ".config/mozilla/firefox",
    "snap/firefox/common/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
    "Library/Application Support/Firefox/Profiles",
    "AppData/Roaming/Mozilla/Firefox/Profiles",
)
_CHROMIUM: Final = (
    ("Chromium", ".config/chromium"),
    ("Chromium", "snap/chromium/common/chromium"),
    ("Chromium", ".var/app/org.chromium.Chromium/config/chromium"),
    ("Chrome", ".config/google-chrome"),
    ("Chrome", ".config/google-chrome-beta"),
    ("Chrome", ".var/app/com.google.Chrome/config/google-chrome"),
    ("Chrome", "Library/Application Support/Google/Chrome"),
    ("Chrome", "AppData/Local/Google/Chrome/User Data"),
    ("Edge", ".config/microsoft-edge"),
    ("Edge", "AppData/Local/Microsoft/Edge/User Data"),
    ("Brave", ".config/BraveSoftware/Brave-Browser"),
    ("Yandex", ".config/yandex-browser"),
    ("Yandex", "AppData/Local/Yandex/YandexBrowser/User Data"),
    ("Opera", ".config/opera"),
    ("Vivaldi", ".config/vivaldi"),
)
# The stores of certificates that Chromium and its kin share on Linux.
_SHARED_STORES: Final = (
    ".pki/nssdb",
    ".local/share/pki/nssdb",
    "snap/chromium/current/.pki/nssdb",
)
_STORE_FILE: Final = "cert9.db"


@dataclass(frozen=True, slots=True)
class Profile:
    """A folder of a browser with the settings of one person."""

    browser: str
    folder: Path


def firefox_profiles(home: Path) -> list[Profile]:
    """Return the profiles of Firefox."""
    folders = (folder for base in _FIREFOX for folder in _having(home / base, "prefs.js"))
    return [Profile("Firefox", folder) for folder in islice(folders, _MAX_PROFILES)]


def chromium_profiles(home: Path) -> list[Profile]:
    """Return the profiles of Chromium and the browsers made from it."""
    profiles = (
        Profile(browser, folder)
        for browser, base in _CHROMIUM
        for folder in _having(home / base, "Preferences")
    )
    return list(islice(profiles, _MAX_PROFILES))


def certificate_stores(home: Path) -> list[Profile]:
    """Return the stores of certificates that NSS reads: of Chromium, and of each Firefox."""
    shared = [Profile("Chromium", home / base) for base in _SHARED_STORES]
    own = (
        Profile("Firefox", folder)
        for base in _FIREFOX
        for folder in _having(home / base, _STORE_FILE)
    )
    with_file = [store for store in shared if (store.folder / _STORE_FILE).is_file()]
    return [*with_file, *islice(own, _MAX_PROFILES)]


def _having(base: Path, name: str) -> Iterator[Path]:
    """Yield the folders in ``base`` that have a file of this name."""
    with suppress(OSError):
        for folder in sorted(islice(base.iterdir(), _MAX_ENTRIES)):
            if (folder / name).is_file():
                yield folder
