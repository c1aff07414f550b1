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
    """Mount one; the test is skipped, and says so, where this user may not."""
    folder.mkdir()
    options = ("-t", "tmpfs", "-o", "size=64k,mode=700", "audit-test", str(folder))
    done = subprocess.run(("mount", *options), capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"NO FULL DISK HERE: this user may not mount a tmpfs ({done.stderr.strip()})")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)
