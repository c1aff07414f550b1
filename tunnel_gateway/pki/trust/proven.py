"""A bounded cache of proven facts, so that they need not be proven again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class ProvenCache(Generic[T]):
    """At most ``size`` values by their key; the least recently used one is forgotten.

    Safe to call from several threads.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[bytes, T] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def find(self, key: bytes) -> T | None:
        """Return the value, which is then the most recently used one, or None."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def add(self, key: bytes, value: T) -> None:
        """Remember a value."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def discard(self, key: bytes) -> None:
        """Forget a value, if it is there."""
        with self._lock:
            self._values.pop(key, None)


def key_of(*parts: bytes) -> bytes:
    """Return a key of 32 bytes for a list of parts: SHA-256.

    Each part goes behind its length: no two lists of parts run together into the same bytes.
    """
    state = hashlib.sha256()
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.digest()
