"""Reading the configuration and its files again while a service runs: all of it, or nothing.

SIGHUP asks for it. If the configuration has an interval, a change of the files asks for it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

from tunnel_gateway.errors import ConfigError, TunnelGatewayError
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.system.lifecycle import on_hangup
from tunnel_gateway.transport.system.systemd import Notifier

log = get_logger(__name__)

# The folder of the domains, and each domain's own.
_DEPTH: Final = 2

# Of each file: when it changed, its size, and which file it is.
FileStates = dict[Path, tuple[int, int, int]]
Loaded = TypeVar("Loaded")


class Loader(Protocol[Loaded]):
    """Reads the files of a service. The loaded object never changes; a reload makes another."""

    def load(self, before: Loaded, watch: Callable[[Iterable[Path]], None]) -> Loaded:
        """Return what replaces ``before``; runs in a thread.

        It must call ``watch`` with the files that the configuration names, before it reads these
        files. Raises ConfigError, another TunnelGatewayError or OSError.
        """

    def files(self, loaded: Loaded) -> Iterable[Path]:
        """Return the files and folders whose change asks for a reload."""

    def interval(self, loaded: Loaded) -> float:
        """Return the seconds between two looks at the files; 0 if changes do not matter."""

    def changes(self, before: Loaded, after: Loaded) -> Mapping[str, object]:
        """Return the facts of the log line about this reload."""


class Reloader(Generic[Loaded]):
    """Loads the files again when it is asked to, and puts the result into use.

    ``current`` returns the object in use, and ``use`` takes the new one. ``notifier`` learns of
    every reload, and ``done`` learns after every reload whether it succeeded.
    """

    def __init__(
        self,
        loader: Loader[Loaded],
        current: Callable[[], Loaded],
        use: Callable[[Loaded], None],
        notifier: Notifier,
        *,
        done: Callable[[bool], object] = bool,
    ) -> None:
        self._loader = loader
        self._current = current
        self._use = use
        self._notifier = notifier
        self._done = done
        self._asked = asyncio.Event()
        self._files = tuple(loader.files(current()))
        self._used: FileStates = self._look()
        on_hangup(self._asked.set)

    async def round(self) -> None:
        """Wait until somebody asks or files have changed, and reload."""
        await self._wait(self._loader.interval(self._current()))
        self._asked.clear()
        done = False
        with self._notifier.reloading():
            try:
                done = await self.reload()
            finally:
                self._done(done)

    async def reload(self) -> bool:
        """Load everything and return True. If that fails, log why and return False."""
        before = self._current()
        try:
            # A thread, because reading files and checking keys would stop the tunnels for a while.
            after = await asyncio.to_thread(self._load, before)
        except ConfigError as error:
            _refuse(error.faults)
        except (TunnelGatewayError, OSError) as error:
            _refuse([error])
        except Exception:
            log.exception("internal_error")  # the loop must go on: the next reload may succeed
        else:
            self._use(after)
            log.info("reloaded", **self._loader.changes(before, after))
            return True
        return False

    def _load(self, before: Loaded) -> Loaded:
        # Look before reading: then a change while they are read asks for another reload.
        self._used = self._look()
        return self._loader.load(before, self._watch)

    def _watch(self, files: Iterable[Path]) -> None:
        self._files = tuple(files)
        # The older state of a file wins: the file may have changed since it was read.
        self._used = self._look() | self._used

    async def _wait(self, interval: float) -> None:
        """Return when asked, or when files have changed and are the same at two looks.

        Somebody may still be writing the files at the first look that shows a change.
        """
        seen = self._used
        while not await self._asked_within(interval):
            now = await asyncio.to_thread(self._look)
            if now == seen and now != self._used:
                return
            seen = now

    async def _asked_within(self, seconds: float) -> bool:
        """Wait to be asked, for ever if ``seconds`` is 0."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds or None):
                await self._asked.wait()
        return self._asked.is_set()

    def _look(self) -> FileStates:
        return dict(_states(self._files))


def _states(
    paths: Iterable[Path], depth: int = _DEPTH
) -> Iterator[tuple[Path, tuple[int, int, int]]]:
    for path in paths:
        try:
            status = path.stat()
            yield path, (status.st_ctime_ns, status.st_size, status.st_ino)
            if depth and path.is_dir():
                inside = (inner for inner in path.iterdir() if not inner.name.startswith("."))
                yield from _states(inside, depth - 1)
        except OSError:
            continue  # the file is just being written or removed; a reload says what is missing


def _refuse(faults: Iterable[object]) -> None:
    for fault in faults:
        log.error("reload_refused", detail=str(fault), effect="what was in use stays in use")
