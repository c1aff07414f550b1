"""The configuration and the files of all services: loaded together, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunnel_gateway.config.configuration import SWITCHES, Configuration, load_configuration
from tunnel_gateway.config.daemon_settings import DAEMON_KEYS
from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.reading import value_of
from tunnel_gateway.daemon.service import ServiceFiles
from tunnel_gateway.errors import ConfigError, Fault, TunnelGatewayError
from tunnel_gateway.observability.logs import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration with the material of each service that it turns on, in their order."""

    configuration: Configuration
    materials: tuple[Any, ...]


class Loading:
    """Loads the files of all services: at the start, and for a `Reloader`.

    ``passed`` are the names of the services for which systemd listens.
    """

    def __init__(self, services: Sequence[ServiceFiles[Any]]) -> None:
        self.passed: Collection[str] = ()
        self._services = services

    def first(self, configuration: Configuration) -> Loaded:
        """Return what the start uses. Raises ConfigError or FileError, with all faults."""
        return Loaded(configuration, self._materials(configuration, [None] * len(self._services)))

    def load(self, before: Loaded, watch: Callable[[Iterable[Path]], None]) -> Loaded:
        """Return what replaces ``before``. Raises ConfigError, FileError, OSError."""
        configuration = load_configuration(before.configuration.file)
        watch(self._files(configuration))
        _check_switches(before.configuration, configuration)
        self._tell_restart(before.configuration, configuration)
        return Loaded(configuration, self._materials(configuration, before.materials))

    def files(self, loaded: Loaded) -> tuple[Path, ...]:
        """Return the files and folders whose change asks for a reload."""
        return self._files(loaded.configuration)

    def interval(self, loaded: Loaded) -> float:
        """Return ``tunnel.reload.interval``."""
        return loaded.configuration.daemon.reload_interval

    def changes(self, before: Loaded, after: Loaded) -> dict[str, object]:
        """Return the facts of all services about this reload."""
        facts: dict[str, object] = {}
        pairs = zip(before.materials, after.materials, strict=True)
        for service, (old, new) in zip(self._services, pairs, strict=True):
            facts |= service.changes(old, new)
        return facts

    def _files(self, configuration: Configuration) -> tuple[Path, ...]:
        each = (service.files(configuration) for service in self._services)
        return (configuration.file, *(file for files in each for file in files))

    def _materials(self, configuration: Configuration, before: Sequence[Any]) -> tuple[Any, ...]:
        materials: list[Any] = []
        errors: list[TunnelGatewayError] = []
        for service, old in zip(self._services, before, strict=True):
            try:
                materials.append(service.load(configuration, old))
            except TunnelGatewayError as error:
                errors.append(error)
        if len(errors) == 1:
            raise errors.pop()
        if errors:
            file = str(configuration.file)
            raise ConfigError([fault for error in errors for fault in _faults(error, file)])
        return tuple(materials)

    def _tell_restart(self, before: Configuration, after: Configuration) -> None:
        """Log each key whose new value a reload does not apply."""
        file = str(after.file)
        changed = _changed(DAEMON_KEYS, before.daemon, after.daemon)
        unused: set[str] = set()
        for service in self._services:
            old, new = service.settings(before), service.settings(after)
            changed += _changed(service.keys, old, new)
            if service.name in self.passed:
                unused |= service.listen_keys
        for key in changed:
            if key in unused:
                log.warning("listen_key_not_used", key=key, file=file)
            else:
                log.warning("restart_needed", key=key, file=file)


def _changed(keys: Iterable[Key], before: Any, after: Any) -> list[str]:
    """Return the names of the keys that need a restart and have another value."""
    return [
        key.name
        for key in keys
        if key.restart and value_of(before, key.field) != value_of(after, key.field)
    ]


def _check_switches(before: Configuration, after: Configuration) -> None:
    """Raise ConfigError if ``after`` turns other services on than ``before``."""
    faults = []
    for name in sorted(before.services ^ after.services):
        if after.services:
            turned = "off" if name in before.services else "on"
            reason = f"a reload does not switch a service {turned}: restart the gateway"
        else:
            reason = "a reload does not switch a running gateway off: stop its service"
        faults.append(Fault(reason, str(after.file), key=SWITCHES[name]))
    if faults:
        raise ConfigError(faults)


def _faults(error: TunnelGatewayError, configuration_file: str) -> list[Fault]:
    """Return the faults of an error; the text of a FileError begins with its file."""
    if isinstance(error, ConfigError):
        return error.faults
    file, separator, message = str(error).partition(": ")
    return [Fault(message, file) if separator else Fault(str(error), configuration_file)]
