"""Where key files lie: disks, the folders on them, and the PFX files in those.

A page names a file by disk, path and name, as it got them from a list. No path is ever made of
what a page says: the same list is made again, and the file is one of it or is not found. Files
are found without following links, so all of them lie where the user put them.

A disk may be dead: nothing on it is touched but in a thread of its own, and all disks are asked
at once, so that one that is silent delays the others once and not again.
"""

from __future__ import annotations

import asyncio
import os
import stat
import string
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from tunnel_gateway.agent.keys.keyring import ClosedKey
from tunnel_gateway.agent.keys.media import Media
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.errors import CallRefusedError, KeystoreError
from tunnel_gateway.pki.certificates.alias import alias_fields
from tunnel_gateway.pki.files import pkcs12

KEY_FOLDER: Final = "DSKEYS"
SUFFIX: Final = ".pfx"
MAX_FILES: Final = 200
MAX_ENTRIES: Final = 5000
MAX_DEPTH: Final = 2
MAX_DISKS: Final = 40
MAX_ALIAS: Final = 2000

_T = TypeVar("_T")


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
    """The key files of the ``folders`` and of the removable disks that are there now."""

    def __init__(
        self, folders: Sequence[Path], *, removable: bool = True, media: Media | None = None
    ) -> None:
        self._folders = [Disk(folder) for folder in folders]
        self._removable = removable
        self._media = media or Media()

    async def disks(self) -> tuple[list[str], list[str]]:
        """Return the names of the disks that are there, and of those that do not answer."""
        disks, silent = await self._places()
        found, late = await self._of_each(disks, lambda one: one.name if _is_there(one) else None)
        return found, [*silent, *late]

    async def list_all(self) -> tuple[list[KeyFile], list[str]]:
        """Return the keys on all disks, ``MAX_FILES`` at most, and the silent disks' names."""
        disks, silent = await self._places()
        found, late = await self._of_each(disks, _listed)
        return [file for files in found for file in files][:MAX_FILES], [*silent, *late]

    async def list_disk(self, name: str) -> list[KeyFile]:
        """Return the keys on one disk.

        Raises CallRefusedError: ``disk_not_found``, ``disk_silent``.
        """
        found = await self._of_one(name, _listed)
        if found is None:
            raise refused("disk_not_found")
        return found

    async def load(self, disk: str, path: str, name: str, alias: str) -> ClosedKey:
        """Read the file of a key that was listed under these four.

        Raises CallRefusedError: ``disk_not_found``, ``disk_silent``, ``file_not_found``.
        """

        def look(there: Disk) -> ClosedKey | str:
            files = _listed(there)
            if files is None:
                return "disk_not_found"
            for file in files:
                if (file.path, file.name, file.alias) == (path, name, alias):
                    data = _read(file.location)
                    if data is not None:
                        owner = alias_fields(alias).get("cn", name)
                        return ClosedKey(data, file.friendly_name, owner)
            return "file_not_found"

        found = await self._of_one(disk, look)
        if isinstance(found, str):
            raise refused(found)
        return found

    async def _of_one(self, name: str, work: Callable[[Disk], _T]) -> _T:
        disks, silent = await self._places()
        for disk in disks:
            if disk.name == name:
                return await self._media.ask(disk.root, partial(work, disk))
        # A disk may lie in a folder that does not answer.
        within = any(name.startswith(one) for one in silent)
        raise refused("disk_silent" if within else "disk_not_found")

    async def _places(self) -> tuple[list[Disk], list[str]]:
        """Return where a disk may be, and the names of folders that do not answer."""
        if not self._removable:
            return self._folders, []
        if sys.platform == "win32":
            inside, silent = [[Path(f"{letter}:\\") for letter in string.ascii_uppercase]], []
        else:
            inside, silent = await self._of_each(list(map(Disk, _parents())), _inside)
        mounted = [Disk(root, is_medium=True) for roots in inside for root in roots]
        return [*self._folders, *mounted][:MAX_DISKS], silent

    async def _of_each(
        self, disks: Sequence[Disk], work: Callable[[Disk], _T | None]
    ) -> tuple[list[_T], list[str]]:
        """Do ``work`` on all disks at once; return what it gives, and which did not answer."""
        answers = await asyncio.gather(
            *(self._media.ask(disk.root, partial(work, disk)) for disk in disks),
            return_exceptions=True,
        )
        found, silent = [], []
        for disk, answer in zip(disks, answers, strict=True):
            if isinstance(answer, CallRefusedError):
                silent.append(disk.name)
            elif isinstance(answer, BaseException):
                raise answer
            elif answer is not None:
                found.append(answer)
        return found, silent


def _is_there(disk: Disk) -> bool:
    """Tell whether a disk is there, a removable one with a folder for keys.

    Raises OSError for one that answers with an error; one of another user's is not there.
    """
    keys = disk.root / KEY_FOLDER
    try:
        return disk.root.is_dir() and (
            not disk.is_medium or (keys.is_dir() and not keys.is_symlink())
        )
    except PermissionError:
        return False


def _listed(disk: Disk) -> list[KeyFile] | None:
    """Return the keys on a disk, or None if it is not there."""
    if not _is_there(disk):
        return None
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
        if len(found) >= MAX_FILES:
            break
    return found[:MAX_FILES]


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


def home_keys() -> tuple[Path, ...]:
    """Return the folder of keys in the user's home, if he has one."""
    home = _home()
    return () if home is None else (home / KEY_FOLDER,)


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # no HOME, and nobody knows this user's number
        return None


def _parents() -> list[Path]:
    """Return the folders that removable disks are mounted in."""
    if sys.platform == "darwin":
        return [Path("/Volumes")]
    # Desktops mount under the user's name, others right in the folder.
    parents = [Path("/media"), Path("/mnt")]
    if (home := _home()) is not None:
        parents += [Path("/media", home.name), Path("/run/media", home.name)]
    return parents


def _inside(parent: Disk) -> list[Path]:
    """Return what may be a disk in ``parent``; the disks themselves are not touched."""
    try:
        with os.scandir(parent.root) as entries:
            names = [
                entry.name
                for entry in islice(entries, MAX_ENTRIES)
                if entry.is_symlink() or entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []
    return [parent.root / name for name in sorted(names)]
