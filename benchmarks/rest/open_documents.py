"""Many documents that wait for phones at once, and what is left of them after their end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

from benchmarks.counters import resident_bytes
from benchmarks.rest import load
from benchmarks.rest.connections import post
from benchmarks.rest.phones import AUTH, Begun
from benchmarks.rest.scale import Scale
from benchmarks.rest.site import Server, Site
from benchmarks.rest.stores import Store

_CONNECTIONS: Final = 8
_MEGABYTE: Final = 1_000_000
# A call forgets so many documents that have ended, see rest/mobile/documents.py.
_FORGOTTEN_AT_ONCE: Final = 1000
# Redis looks for ended keys ten times a second.
_REDIS_SECONDS: Final = 1.0


class OpenDocuments:
    """Opens the documents at a daemon for each store, and measures before and after that."""

    def __init__(
        self,
        site: Site,
        stores: Sequence[Store],
        scale: Scale,
        send: Callable[..., load.Sample],
        stack: ExitStack,
    ) -> None:
        self._send = send
        self._documents = scale.documents
        self._figures: dict[str, float] = {}
        self._opened: list[tuple[Store, Server]] = []
        life = f"mobile.ttl={scale.life}\n"
        for store in stores:
            server = stack.enter_context(site.start_for_phones(store, life))
            self._opened.append((store, server))
            self._poll(server, scale.calls)
            self._note("before", store, server)
            self._open(server)
            self._note("open", store, server)
        self._end = time.monotonic() + scale.life + _REDIS_SECONDS

    def ended(self) -> dict[str, float]:
        """Wait until the life of each document is over, and return all figures."""
        time.sleep(max(0.0, self._end - time.monotonic()))
        for store, server in self._opened:
            # The calls that follow forget the documents that have ended.
            self._poll(server, 2 + self._documents // _FORGOTTEN_AT_ONCE)
            self._note("after", store, server)
            if store.redis is None:  # whose own figures say that nothing is left
                self._open(server)
                self._note("again", store, server)
        return self._figures

    def _open(self, server: Server) -> None:
        self._send(load.once_each, server.port, [post(AUTH, b"")] * self._documents, _CONNECTIONS)

    def _poll(self, server: Server, count: int) -> None:
        (begun,) = Begun.some(server, AUTH, 1)
        self._send(load.once_each, server.port, [begun.poll] * count, _CONNECTIONS)

    def _note(self, when: str, store: Store, server: Server) -> None:
        memory = resident_bytes(*server.pids) / _MEGABYTE
        self._figures[f"{when} daemon{store.suffix}"] = memory
        if store.redis is not None:
            used = store.redis.info("memory")["used_memory"]
            self._figures[f"{when} in redis"] = used / _MEGABYTE
            self._figures[f"{when} keys"] = store.redis.dbsize()
