"""A file system of its own that can be full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


class Disk:
    """A real file system of 64 KiB under ``folder``, filled and freed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room for a page more."""
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(512))

    def free(self) -> None:
        """Give all of it back."""
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """Mount one in namespaces of its own, which need no root, and reach it by the process there.

    The test is skipped, and says so, where there are no namespaces.
    """
    folder.mkdir()
    mount = f"mount -t tmpfs -o size=64k,mode=700 audit-test {folder} && echo mounted && cat"
    command = ("unshare", "--mount", "--map-root-user", "sh", "-c", mount)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        said = holder.stdout.readline()
        if said != b"mounted\n":
            pytest.skip(f"NO FULL DISK HERE: this user may have no namespaces: {said!r}")
        try:
            yield Disk(Path(f"/proc/{holder.pid}/root/{folder}"))
        finally:
            holder.stdin.close()  # which ends it, and takes the disk away
