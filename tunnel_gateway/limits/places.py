"""Places by key: so many tunnels of one certificate, or to one destination; and what is held."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Self


class Held:
    """The places of one connection, until ``release`` or the end of a with block.

    Every connection makes two objects, so these do less than the stacks of ``contextlib``.
    """

    __slots__ = ("_releases",)

    def __init__(self) -> None:
        self._releases: list[Callable[[], object]] = []

    def add(self, release: Callable[[], object]) -> None:
        """Call ``release`` when all is given back."""
        self._releases.append(release)

    def release(self) -> None:
        """Give all of it back, the last first, even if one call fails. Again, it does nothing."""
        try:
            while self._releases:
                self._releases.pop()()
        finally:
            if self._releases:
                self.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Places:
    """How many places each key holds; a key without places takes no memory."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}

    def __getitem__(self, key: str) -> int:
        return self._held.get(key, 0)

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, key: str, held: Held) -> None:
        """Take a place into ``held``. The caller has checked before that one is free."""
        self._held[key] = self[key] + 1
        held.add(partial(self._give_back, key))

    def _give_back(self, key: str) -> None:
        if self._held[key] == 1:
            del self._held[key]
        else:
            self._held[key] -= 1
