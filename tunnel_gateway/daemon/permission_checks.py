"""Checks of the permissions of a service's files. Key files are checked when they are read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tunnel_gateway.daemon.findings import Finding

# The user that `make install` makes, and its group.
SERVICE_USER: Final = "tunnel-gateway"
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def check_password_file(file: Path) -> Iterator[Finding]:
    """Warn if everyone may read a configuration that may hold a password."""
    if file.stat().st_mode & stat.S_IROTH:
        text = f"it may hold a password, and everyone may read it; run: {_hiding(file)}"
        yield Finding("permissions", str(file), "warning", text)


def check_user(keys: Path, command: str) -> Iterator[Finding]:
    """Warn if root runs ``command`` for a service that runs as another user.

    The group of the folder ``keys`` tells that user.
    """
    if os.geteuid() != 0 or keys.stat().st_gid == 0:
        return
    try:
        user = keys.group()
    except KeyError:
        user = SERVICE_USER
    text = (
        "root may read files that the gateway may not; run this as the gateway's user:"
        f" runuser -u {user} -- {command}"
    )
    yield Finding("permissions", "this user", "warning", text)


def check_writers(files: Sequence[Path], folders: Sequence[Path]) -> Iterator[Finding]:
    """Report each file and folder that others may write: around the files, and in the folders."""
    entries = [path for folder in folders for path in _inside(folder)]
    entries += [inner for entry in entries if entry.is_dir() for inner in _inside(entry)]
    around = {file.absolute().parent for file in files}
    for path in (*files, *sorted(around), *folders, *entries):
        # In a folder with the sticky bit, such as /tmp, others cannot replace a file of ours.
        mode = path.lstat().st_mode
        if mode & _OTHERS_MAY_WRITE and not mode & stat.S_ISVTX and not stat.S_ISLNK(mode):
            text = f"others may change it, and so decide what is trusted; run: chmod go-w {path}"
            yield Finding("permissions", str(path), "fault", text)


def _hiding(file: Path) -> str:
    """Return the command that keeps a file from others, and not from the gateway."""
    if file.stat().st_uid == os.geteuid() != 0:
        return f"chmod 600 {file}"
    return f"chgrp {SERVICE_USER} {file} && chmod 640 {file}"


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # the check that needs the folder reports this
