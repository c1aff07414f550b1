"""The two stores of documents for phones: the memory of the daemon, and a Redis."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from redis import Redis

from benchmarks.places import LOOPBACK, free_port
from benchmarks.programs import BenchmarkError
from benchmarks.systems import Laboratory


@dataclass(frozen=True, slots=True)
class Store:
    """A store: ``settings`` are the lines of the configuration that choose it.

    ``suffix`` is the end of the names of its figures. A daemon logs ``events`` when it can use the
    store. ``redis`` is None for the daemon's memory.
    """

    suffix: str
    settings: str = ""
    events: tuple[str, ...] = ()
    redis: Redis | None = None


def stores(laboratory: Laboratory, stack: ExitStack) -> Sequence[Store]:
    """Start a Redis, and return both stores."""
    port = free_port()
    program = shutil.which("redis-server")
    if program is None:
        raise BenchmarkError("redis-server is missing: run scripts/system-packages --for-tests")
    where = ("--bind", LOOPBACK, "--port", str(port), "--dir", str(laboratory.folder))
    command = (program, *where, "--save", "", "--appendonly", "no")
    laboratory.start(f"redis-{port}", command).wait_for_port(port)
    client = stack.enter_context(Redis(host=LOOPBACK, port=port))
    url = f"mobile.storage.redis.url=redis://{LOOPBACK}:{port}/0\n"
    return Store(""), Store(" redis", url, ("mobile_documents_shared",), client)
