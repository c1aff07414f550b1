"""Where key files lie: disks, the folders on them, and the PFX files in those.

A page names a file by disk, path and name, as it got them from a list. No path is ever made of
what a page says: the same list is made again, and the file is one of it or is not found. Files
are found without following links, so all of them lie where the user put them.
"""

from __future__ import annotations

import os
import stat
import string
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tunnel_gateway.agent.api.reasons import refused
from tunnel_gateway.agent.keys.keyring import ClosedKey
from tunnel_gateway.errors import KeystoreError
from tunnel_gateway.pki import pkcs12
from tunnel_gateway.pki.alias import alias_fields

KEY_FOLDER: Final = "DSKEYS"
SUFFIX: Final = ".pfx"
MAX_FILES: Final = 200
MAX_ENTRIES: Final = 5000
MAX_DEPTH: Final = 2
MAX_DISKS: Final = 40
MAX_ALIAS: Final = 2000


@dataclass(frozen=True, slots=True)
class Disk:
    """A place to look in: ``root``, or of a medium only the folder ``DSKEYS`` in it."""

    root: Path
    is_medium: bool = False

    @property
    def name(self) -> str:
        """How pages name it: with the separator at the end, as ``C:\\`` has it."""
        return os.path.join(self.root, "")  # noqa: PTH118 - pathlib drops the separator


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key in a file as pages see it; ``friendly_name`` is None if the file gives none."""

    disk: str
    path: str
    name: str
    alias: str
    location: Path
    friendly_name: str | None


class KeyFiles:
    """The key files of the ``folders`` and of the media that are there now."""

    def __init__(self, folders: Sequence[Path], *, media: bool = True) -> None:
        self._folders = [Disk(folder) for folder in folders]
        self._media = media

    def disks(self) -> list[str]:
        """Return the names of the disks that are there."""
        return [disk.name for disk in self._disks()]

    def list_all(self) -> list[KeyFile]:
        """Return the keys on all disks, at most ``MAX_FILES``."""
        found: list[KeyFile] = []
        for disk in self._disks():
            found += self._list(disk, MAX_FILES - len(found))
        return found

    def list_disk(self, name: str) -> list[KeyFile]:
        """Return the keys on one disk; raises CallRefusedError: ``disk_not_found``."""
        return self._list(self._disk(name), MAX_FILES)

    def load(self, disk: str, path: str, name: str, alias: str) -> ClosedKey:
        """Read the file of a key that was listed under these four.

        Raises CallRefusedError: ``disk_not_found``, ``file_not_found``.
        """
        for file in self._list(self._disk(disk), MAX_FILES):
            if (file.path, file.name, file.alias) == (path, name, alias):
                data = _read(file.location)
                if data is not None:
                    owner = alias_fields(alias).get("cn", name)
                    return ClosedKey(data, file.friendly_name, owner)
        raise refused("file_not_found")

    def _disk(self, name: str) -> Disk:
        for disk in self._disks():
            if disk.name == name:
                return disk
        raise refused("disk_not_found")

    def _disks(self) -> list[Disk]:
        found = [*self._folders, *(_media() if self._media else ())]
        return [disk for disk in found if disk.root.is_dir()][:MAX_DISKS]

    @staticmethod
    def _list(disk: Disk, limit: int) -> list[KeyFile]:
        found: list[KeyFile] = []
        for path, entry in _walk(disk):
            data = _read(Path(entry.path))
            if data is None:
                continue
            name = entry.name[: -len(SUFFIX)]
            for friendly_name in _friendly_names(data):
                alias = f"cn={name.lower()}" if friendly_name is None else friendly_name
                place = Path(entry.path)
                found.append(KeyFile(disk.name, path, name, alias, place, friendly_name))
            if len(found) >= limit:
                break
        return found[:limit]


def _walk(disk: Disk) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield the PFX files with the path of their folder on the disk, sorted, within bounds."""
    start = KEY_FOLDER if disk.is_medium else ""
    waiting = [(start, 1)]
    seen = 0
    while waiting:
        path, depth = waiting.pop()
        try:
            with os.scandir(disk.root / path) as entries:
                inside = []
                for entry in entries:
                    seen += 1
                    if seen > MAX_ENTRIES:
                        return
                    inside.append(entry)
        except OSError:
            continue
        for entry in sorted(inside, key=lambda one: one.name):
            with suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    if entry.name.lower().endswith(SUFFIX):
                        yield path, entry
                elif entry.is_dir(follow_symlinks=False) and depth < MAX_DEPTH:
                    waiting.append((os.path.join(path, entry.name), depth + 1))  # noqa: PTH118


def _read(path: Path) -> bytes | None:
    """Return a file's bytes, or None if it is no regular file of a key's size any more.

    Who else may read it is not asked: a stick has no owners, and the key in it is encrypted.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    flags |= getattr(os, "O_BINARY", 0)
    try:
        with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(pkcs12.MAX_SIZE + 1)
    except OSError:
        return None
    return data if len(data) <= pkcs12.MAX_SIZE else None


def _friendly_names(data: bytes) -> list[str | None]:
    """Return the name of each key; one without a name if the file does not show its keys."""
    try:
        names = pkcs12.shown_aliases(data)
    except KeystoreError:
        return []
    return [name if name is None or _is_plain(name) else None for name in names] or [None]


def _is_plain(name: str) -> bool:
    return 0 < len(name) <= MAX_ALIAS and name.isprintable()


def _media() -> Iterator[Disk]:
    """Yield the media that are mounted now and have a folder for keys."""
    for root in _mount_points():
        if (root / KEY_FOLDER).is_dir() and not (root / KEY_FOLDER).is_symlink():
            yield Disk(root, is_medium=True)


def _mount_points() -> Iterator[Path]:
    if sys.platform == "win32":
        yield from (Path(f"{letter}:\\") for letter in string.ascii_uppercase)
        return
    if sys.platform == "darwin":
        parents = [Path("/Volumes")]
    else:
        # Desktops mount under the user's name, others right in the folder.
        user = Path.home().name
        parents = [Path("/media"), Path("/media", user), Path("/run/media", user), Path("/mnt")]
    for parent in parents:
        with suppress(OSError):
            yield from sorted(one for one in parent.iterdir() if one.is_dir())
