"""``tunnel.revocation.cache.dir`` and ``status.cache.dir``: what was fetched, for the next start.

A file holds an answer from the network, and the gateway checks it again when it reads it. So nobody
has to trust the folder: a wrong file there only makes the gateway fetch again.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path
from typing import Final

from tunnel_gateway.observability.logs import get_logger

log = get_logger(__name__)

_OURS: Final = re.compile(r"[0-9a-f]{64}\.(crl|ocsp)")
# An older list or answer has expired, as a rule. The number bounds the folder: each user's
# certificate adds an answer.
_KEPT_SECONDS: Final = 30 * 86_400
_MAX_FILES: Final = 20_000
# Files are kept for a month, so a day more or less does not matter.
_PRUNE_SECONDS: Final = 24 * 3600.0


class RevocationCache:
    """Files by name, in a folder or, without one, nowhere. For worker threads."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, name: str, limit: int) -> tuple[bytes, float] | None:
        """Return what was written under ``name`` and how many seconds ago, if it is there."""
        if self._folder is None:
            return None
        path = self._folder / name
        try:
            status = path.stat()
            if status.st_size > limit:
                return None
            return path.read_bytes(), max(0.0, time.time() - status.st_mtime)
        except FileNotFoundError:  # the usual case: nothing was fetched yet
            return None
        except OSError as error:
            log.warning("revocation_cache_failed", file=str(path), detail=error.strerror)
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write a file in one step, so that nobody finds half of it."""
        if self._folder is None:
            return
        try:
            draft = self._folder / f".{name}.{os.getpid()}"
            draft.write_bytes(data)
            draft.replace(self._folder / name)
        except OSError as error:
            log.warning("revocation_cache_failed", folder=str(self._folder), detail=error.strerror)

    async def keep_small(self) -> None:
        """One round of the loop that prunes the folder every day."""
        await asyncio.to_thread(self.prune)
        await asyncio.sleep(_PRUNE_SECONDS)

    def prune(self) -> None:
        """Remove what is older than a month, and the oldest of too many."""
        if self._folder is None:
            return
        try:
            ours = [path for path in self._folder.iterdir() if _OURS.fullmatch(path.name)]
            by_age = sorted(((path.stat().st_mtime, path) for path in ours), reverse=True)
            for number, (changed, path) in enumerate(by_age):
                if number >= _MAX_FILES or changed < time.time() - _KEPT_SECONDS:
                    path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("revocation_cache_failed", folder=str(self._folder), detail=error.strerror)
