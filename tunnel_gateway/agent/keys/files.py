"""The key files: disks, the folders on them, and the PFX files in these folders.

A page names a file by disk, path and name, as it got them from a list. The agent never makes a path
from the words of a page: it makes the same list again, and looks for the file in the list. It
follows no links to files, so all files are where the user has put them.

A disk may be dead. So each disk is read only in a thread of its own, and all disks are asked at the
same time: a disk that does not answer delays the others once, and not again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import string
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
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
# A list is made again for each call that names a key, also on a slow stick with many other files.
MAX_FILES: Final = 200
MAX_ENTRIES: Final = 5000
MAX_DEPTH: Final = 2
MAX_DISKS: Final = 40
MAX_ALIAS: Final = 2000

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Disk:
    """A folder with keys: ``root``. On a removable medium only ``DSKEYS`` in it counts."""

    root: Path
    is_medium: bool = False

    @property
    def name(self) -> str:
        """The name for pages: with the separator at the end, as in ``C:\\``."""
        return os.path.join(self.root, "")  # noqa: PTH118 - pathlib drops the separator


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key in a file as pages see it. Not every file shows a ``friendly_name``.

    ``digest`` is the SHA-256 of the file.
    """

    disk: str
    path: str
    name: str
    alias: str
    location: Path
    friendly_name: str | None
    digest: bytes


class KeyFiles:
    """The key files of the ``folders`` and of the removable disks that are there now.

    Removable disks are mounted in ``parents``. None: where this system mounts them.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        parents: Sequence[Path] | None = None,
        media: Media | None = None,
    ) -> None:
        self._folders = [Disk(folder) for folder in folders]
        self._parents = parents
        self._media = media or Media()

    async def disks(self) -> tuple[list[str], list[str]]:
        """Return the names of the disks that are there, and of the disks that do not answer."""
        disks, silent = await self._possible_disks()
        names, late = await self._ask_each(
            disks, lambda disk: disk.name if _is_there(disk) else None
        )
        return names, [*silent, *late]

    async def list_all(self) -> tuple[list[KeyFile], list[str]]:
        """Return the keys on all disks, ``MAX_FILES`` at most, and the silent disks' names.

        A file that is on two disks, or can be reached in two ways, is listed once: its first place.
        """
        disks, silent = await self._possible_disks()
        lists, late = await self._ask_each(disks, _list_keys)
        keys: dict[tuple[bytes, str, str | None], KeyFile] = {}
        for file in chain.from_iterable(lists):
            keys.setdefault((file.digest, file.name, file.friendly_name), file)
        return list(keys.values())[:MAX_FILES], [*silent, *late]

    async def list_disk(self, name: str) -> list[KeyFile]:
        """Return the keys on one disk.

        Raises CallRefusedError: ``disk_not_found``, ``disk_silent``.
        """
        files = await self._ask(name, _list_keys)
        if files is None:
            raise refused("disk_not_found")
        return files

    async def load(self, disk: str, path: str, name: str, alias: str) -> ClosedKey:
        """Read the file of a key that was listed with these four values.

        Raises CallRefusedError: ``disk_not_found``, ``disk_silent``, ``file_not_found``.
        """

        def read_key(on: Disk) -> ClosedKey | str:
            files = _list_keys(on)
            if files is None:
                return "disk_not_found"
            for file in files:
                if (file.path, file.name, file.alias) == (path, name, alias):
                    data = _read(file.location)
                    if data is not None:
                        owner = alias_fields(alias).get("cn", name)
                        return ClosedKey(data, file.friendly_name, owner)
            return "file_not_found"

        result = await self._ask(disk, read_key)
        if isinstance(result, str):
            raise refused(result)
        return result

    async def _ask(self, name: str, work: Callable[[Disk], _T]) -> _T:
        """Do ``work`` on the disk with this name."""
        disks, silent = await self._possible_disks()
        for disk in disks:
            if disk.name == name:
                return await self._media.ask(disk.root, partial(work, disk))
        # The disk may be in a folder that does not answer.
        in_silent_folder = any(name.startswith(folder) for folder in silent)
        raise refused("disk_silent" if in_silent_folder else "disk_not_found")

    async def _possible_disks(self) -> tuple[list[Disk], list[str]]:
        """Return the folders that may be disks, and the names of folders that do not answer."""
        if self._parents is None and sys.platform == "win32":
            inside, silent = [[Path(f"{letter}:\\") for letter in string.ascii_uppercase]], []
        else:
            parents = _system_parents() if self._parents is None else self._parents
            inside, silent = await self._ask_each(list(map(Disk, parents)), _inside)
        mounted = [Disk(root, is_medium=True) for roots in inside for root in roots]
        return [*self._folders, *mounted][:MAX_DISKS], silent

    async def _ask_each(
        self, disks: Sequence[Disk], work: Callable[[Disk], _T | None]
    ) -> tuple[list[_T], list[str]]:
        """Do ``work`` on all disks at once. Return the results, and the disks without an answer."""
        answers = await asyncio.gather(
            *(self._media.ask(disk.root, partial(work, disk)) for disk in disks),
            return_exceptions=True,
        )
        results, silent = [], []
        for disk, answer in zip(disks, answers, strict=True):
            if isinstance(answer, CallRefusedError):
                silent.append(disk.name)
            elif isinstance(answer, BaseException):
                raise answer
            elif answer is not None:
                results.append(answer)
        return results, silent


def _is_there(disk: Disk) -> bool:
    """Tell whether a disk is there; a removable disk must have the folder for keys.

    A disk of another user is not there. Raises OSError if the disk answers with another error.
    """
    keys = disk.root / KEY_FOLDER
    try:
        return disk.root.is_dir() and (
            not disk.is_medium or (keys.is_dir() and not keys.is_symlink())
        )
    except PermissionError:
        return False


def _list_keys(disk: Disk) -> list[KeyFile] | None:
    """Return the keys on a disk, or None if the disk is not there."""
    if not _is_there(disk):
        return None
    keys: list[KeyFile] = []
    for path, entry in _walk(disk):
        location = Path(entry.path)
        data = _read(location)
        if data is None:
            continue
        name = entry.name[: -len(SUFFIX)]
        digest = hashlib.sha256(data).digest()
        for friendly_name in _friendly_names(data):
            alias = f"cn={name.lower()}" if friendly_name is None else friendly_name
            keys.append(KeyFile(disk.name, path, name, alias, location, friendly_name, digest))
        if len(keys) >= MAX_FILES:
            break
    return keys[:MAX_FILES]


def _walk(disk: Disk) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield each PFX file with the path of its folder on the disk: sorted, with limits.

    A folder or an entry that cannot be read is left out: the other keys must stay usable.
    """
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
        for entry in sorted(inside, key=lambda entry: entry.name):
            with suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    if entry.name.lower().endswith(SUFFIX):
                        yield path, entry
                elif entry.is_dir(follow_symlinks=False) and depth < MAX_DEPTH:
                    waiting.append((os.path.join(path, entry.name), depth + 1))  # noqa: PTH118


def _read(path: Path) -> bytes | None:
    """Return the bytes of a file; None if it is not a regular file, or too large for a key.

    Other users may be able to read the file. This is not checked, because a USB stick has no
    owners, and the key in the file is encrypted.
    """
    # O_NONBLOCK: opening a FIFO must not wait for its writer.
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
    """Return the name of each key; one None if the file shows no keys without its password."""
    try:
        names = pkcs12.shown_aliases(data)
    except KeystoreError:
        return []
    return [
        name if name and len(name) <= MAX_ALIAS and name.isprintable() else None for name in names
    ] or [None]


def home_keys() -> tuple[Path, ...]:
    """Return the folder of keys in the user's home folder, if the user has a home folder."""
    home = _home()
    return () if home is None else (home / KEY_FOLDER,)


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # there is no HOME, and the system does not know this user
        return None


def _system_parents() -> list[Path]:
    """Return the folders in which the system mounts removable disks."""
    if sys.platform == "darwin":
        return [Path("/Volumes")]
    # Desktops mount disks in a folder with the user's name; other programs do not.
    parents = [Path("/media"), Path("/mnt")]
    if (home := _home()) is not None:
        parents += [Path("/media", home.name), Path("/run/media", home.name)]
    return parents


def _inside(parent: Disk) -> list[Path]:
    """Return the folders in ``parent``, which may be disks. This does not touch the disks."""
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
