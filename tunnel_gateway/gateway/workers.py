"""The thread of the public-key work, and how much waits for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor


class Workers(ThreadPoolExecutor):
    """One thread: with more they wait for Python's lock more than they work."""

    def __init__(self) -> None:
        super().__init__(1, thread_name_prefix="public-key")

    @property
    def waiting(self) -> int:
        """How many steps of handshakes wait for the thread."""
        return self._work_queue.qsize()
