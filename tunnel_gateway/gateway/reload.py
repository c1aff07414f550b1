"""Loading the configuration and its files anew while the gateway runs: all of it, or nothing.

SIGHUP asks for it, and where ``tunnel.reload.interval`` is set a change of the files does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tunnel_gateway.config.keys import KEYS
from tunnel_gateway.config.tunnel import Config, load_config
from tunnel_gateway.errors import ConfigError, Fault, TunnelGatewayError
from tunnel_gateway.gateway.policy import describe
from tunnel_gateway.gateway.shared import Material
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.system.lifecycle import on_hangup
from tunnel_gateway.transport.system.systemd import Notifier

log = get_logger(__name__)

# The folder of the domains, and each domain's own.
_DEPTH: Final = 2

# Of each file: when it changed, its size, and which one it is.
FileStates = dict[Path, tuple[int, int, int]]


class Reloader:
    """Replaces what is in use by what ``config_file`` says, whenever it is asked to.

    ``current`` tells what is in use; ``use`` takes what replaces it, and ``done``, if there
    is one, is told after every reload whether it did. ``notifier`` is told of every reload, and
    ``passed`` says that the listening socket was made by systemd.
    """

    def __init__(
        self,
        config_file: Path,
        current: Callable[[], Material],
        use: Callable[[Material], None],
        notifier: Notifier,
        *,
        passed: bool = False,
        done: Callable[[bool], object] = bool,
    ) -> None:
        self._config_file = config_file
        self._current = current
        self._use = use
        self._notifier = notifier
        self._passed = passed
        self._done = done
        self._asked = asyncio.Event()
        self._files = _files(current().config)
        self._used: FileStates = self._look()
        on_hangup(self._asked.set)

    async def round(self) -> None:
        """Wait until it is asked for or files have changed, and reload."""
        await self._wait(self._current().config.reload_interval)
        self._asked.clear()
        done = False
        with self._notifier.reloading():
            try:
                done = await self.reload()
            finally:
                self._done(done)

    async def reload(self) -> bool:
        """Load everything. What cannot be used is logged, and nothing changes: False."""
        before = self._current()
        try:
            # Reading files and checking keys takes a while, and tunnels are running.
            after = await asyncio.to_thread(self._load, before)
        except ConfigError as error:
            _refuse(error.faults)
        except (TunnelGatewayError, OSError) as error:
            _refuse([error])
        except Exception:
            log.exception("internal_error")  # the next request shall find us here
        else:
            self._use(after)
            log.info("reloaded", **_changes(before, after))
            return True
        return False

    def _load(self, before: Material) -> Material:
        self._used = self._look()
        config = load_config(self._config_file)
        self._files = _files(config)
        self._used = self._look() | self._used
        if not config.enabled:
            reason = "a running gateway is not switched off by a reload: stop its service"
            raise ConfigError([Fault(reason, str(self._config_file), key="tunnel.enabled")])
        for key in (key for key in KEYS if key.restart):
            if config.value(key.field) != before.config.value(key.field):
                if self._passed:
                    log.warning("listen_key_not_used", key=key.name, file=str(self._config_file))
                else:
                    log.warning("restart_needed", key=key.name, file=str(self._config_file))
        return Material.load(config, before)

    async def _wait(self, interval: float) -> None:
        """Return once asked, or once files have changed and are the same at two looks."""
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
        return dict(_states((self._config_file, *self._files)))


def _files(config: Config) -> tuple[Path, ...]:
    return config.truststore_file, config.servers_dir


def _states(
    paths: Iterable[Path], depth: int = _DEPTH
) -> Iterator[tuple[Path, tuple[int, int, int]]]:
    for path in paths:
        try:
            status = path.stat()
            yield path, (status.st_ctime_ns, status.st_size, status.st_ino)
            if depth and path.is_dir():
                inside = (one for one in path.iterdir() if not one.name.startswith("."))
                yield from _states(inside, depth - 1)
        except OSError:
            continue  # on its way in or out: the reload says what is missing


def _refuse(faults: Iterable[object]) -> None:
    for fault in faults:
        log.error("reload_refused", detail=str(fault), effect="what was in use stays in use")


def _changes(before: Material, after: Material) -> dict[str, object]:
    old, new = before.domains, after.domains
    renewed = [name for name in new if name in old and old[name].leaf != new[name].leaf]
    return {
        "domains": sorted(new),
        "renewed": sorted(renewed),
        "removed": sorted(old.keys() - new.keys()),
        "destinations": sorted(after.config.destinations),
        "policies": sorted(map(describe, after.config.destinations.values())),
        "trust_anchors": len(after.trust_anchors),
    }
