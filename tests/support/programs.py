"""Programs of the system as scripts of a test: real processes that print what they are told."""

from __future__ import annotations

from pathlib import Path

import pytest


class Programs:
    """A folder that is the whole PATH."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        folder.mkdir()
        monkeypatch.setenv("PATH", str(folder))

    def add(self, name: str, script: str) -> None:
        """Add a program that is this script of the shell."""
        path = self._folder / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
