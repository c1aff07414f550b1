"""``tunnel-gateway check``: is everything there that the gateway needs?"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tunnel_gateway.cli.arguments import add_config
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.finding_rows import exit_code, row
from tunnel_gateway.cli.progress import Progress
from tunnel_gateway.config.configuration import Configuration
from tunnel_gateway.daemon.checking import ServiceChecks, check
from tunnel_gateway.daemon.findings import Finding, Status

if TYPE_CHECKING:
    from tunnel_gateway.cli import Subparsers

_DESCRIPTION = """\
Try everything that serve would use: the configuration, the key and the certificates of each domain,
the truststores, and the destinations (connect, and ask for a WebSocket). Also who may use them, the
sources of time stamps and of the status of certificates, limits and file permissions. The same code
as in serve tries the ports, the admin addresses and the audit file. Nothing is changed, and a
running gateway is not disturbed.

Exit code: 0 all is well; 1 the gateway, a domain or users would get no tunnel; 3 the gateway would
serve, but there is something to look at (2 is wrong usage, as everywhere).
"""


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        subparsers, "check", "try everything that the gateway needs", _DESCRIPTION, run
    )
    add_config(parser.add_argument)
    parser.add_argument("--json", action="store_true", help="print one JSON object for each line")


def run(arguments: argparse.Namespace) -> int:
    """Check and print as it goes; 0, 1 or 3 as the description says."""
    return asyncio.run(_run(arguments.config, as_json=arguments.json))


def findings(config_file: Path) -> AsyncIterator[Finding]:
    """Return a finding for each check of the services that the configuration turns on."""
    return check(config_file, lambda configuration: list(_services(configuration)))


def _services(configuration: Configuration) -> Iterator[ServiceChecks]:
    """Yield the checks of each service; no other service is imported."""
    if "tunnel" in configuration.services:
        from tunnel_gateway.gateway.checks import TUNNEL_CHECKS  # noqa: PLC0415

        yield TUNNEL_CHECKS
    if "rest" in configuration.services:
        from tunnel_gateway.rest.rest_checks import REST_CHECKS  # noqa: PLC0415

        yield REST_CHECKS


async def _run(config_file: Path, *, as_json: bool) -> int:
    statuses: set[Status] = set()
    with Progress("checking") as progress:
        async for finding in findings(config_file):
            statuses.add(finding.status)
            progress.print(json.dumps(asdict(finding)) if as_json else row(finding))
    return exit_code(statuses)
