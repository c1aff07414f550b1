"""The checks of a whole configuration: those that all services share, and those of each service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunnel_gateway.config.configuration import Configuration, load_configuration
from tunnel_gateway.daemon.findings import Finding
from tunnel_gateway.daemon.permission_checks import check_password_file, check_user, check_writers
from tunnel_gateway.daemon.service import ServiceFiles
from tunnel_gateway.daemon.start_checks import check_cryptography, check_descriptors, check_start
from tunnel_gateway.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Guarded:
    """The files of a service that others must not change, and whether there are passwords.

    The group of ``keys`` tells as which user the service runs.
    """

    passwords: bool
    keys: Path
    files: tuple[Path, ...]
    folders: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ServiceChecks:
    """The part of a service: its files, its own findings, and its guarded files."""

    files: ServiceFiles[Any]
    findings: Callable[[Configuration], AsyncIterator[Finding]]
    guarded: Callable[[Configuration], Guarded]


async def check(
    config_file: Path, services: Callable[[Configuration], Sequence[ServiceChecks]]
) -> AsyncIterator[Finding]:
    """Try everything that ``serve`` would use, and yield a finding for each check.

    ``services`` returns the checks of the services that a configuration turns on.
    """
    try:
        configuration = await asyncio.to_thread(load_configuration, config_file)
    except ConfigError as error:
        for fault in error.faults:
            where = fault.file if fault.line is None else f"{fault.file}:{fault.line}"
            text = str(fault).removeprefix(f"{where}: ")
            yield Finding("configuration", where, "fault", text)
        return
    each, daemon = services(configuration), configuration.daemon
    if not each:
        text = "tunnel.enabled=no, and no listen.port: nothing runs"
        yield Finding("configuration", config_file.name, "warning", text)
        return
    ports = [service.files.port(configuration) for service in each]
    text = f"no fault; listens on {' and on '.join(map(str, ports))}"
    yield Finding("configuration", config_file.name, "ok", text)
    yield await asyncio.to_thread(check_cryptography)
    start = check_start(daemon.admin_listen, ports, daemon.audit_file)
    for finding in await asyncio.to_thread(list, start):
        yield finding
    for service in each:
        async for finding in service.findings(configuration):
            yield finding
    yield check_descriptors([service.files.descriptors(configuration) for service in each])
    for finding in _permissions(config_file, [service.guarded(configuration) for service in each]):
        yield finding


def _permissions(file: Path, each: Sequence[Guarded]) -> Iterator[Finding]:
    if any(guarded.passwords for guarded in each):
        yield from check_password_file(file)
    yield from check_user(each[0].keys, f"tunnel-gateway check --config {file}")
    files = dict.fromkeys(path for guarded in each for path in guarded.files)
    folders = dict.fromkeys(path for guarded in each for path in guarded.folders)
    yield from check_writers((file, *files), tuple(folders))
