"""Places by key: so many tunnels of one certificate, or to one destination."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Places:
    """How many places each key holds; a key without places takes no memory."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}

    def __getitem__(self, key: str) -> int:
        return self._held.get(key, 0)

    def __len__(self) -> int:
        return len(self._held)

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Hold a place. The caller has checked before that one is free."""
        self._held[key] = self[key] + 1
        try:
            yield
        finally:
            if self._held[key] == 1:
                del self._held[key]
            else:
                self._held[key] -= 1
